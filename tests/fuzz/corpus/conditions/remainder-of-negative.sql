(candidate.fid - 3) % 2 = -1
