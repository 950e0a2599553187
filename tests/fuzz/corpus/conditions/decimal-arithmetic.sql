candidate.fid * 0.1 = 0.2
