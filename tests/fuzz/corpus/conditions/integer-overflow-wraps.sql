candidate.fid + 2147483647 < 0
