NOT candidate.fid = 1 AND candidate.magpsf > 18
