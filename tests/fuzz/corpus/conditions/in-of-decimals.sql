candidate.fid IN (1.0, 3.5)
