'1' || candidate.fid + 1 = 12
