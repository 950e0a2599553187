candidate.fid /* the filter */ = 1
