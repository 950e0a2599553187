pi() > 3.14 AND candidate.fid = 1
