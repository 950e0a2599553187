power(candidate.fid, 2) = 4
