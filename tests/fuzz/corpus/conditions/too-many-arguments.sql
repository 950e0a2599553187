sqrt(candidate.fid, 2) > 0
