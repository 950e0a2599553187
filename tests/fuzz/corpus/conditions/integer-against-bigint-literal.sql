candidate.fid < 2L
