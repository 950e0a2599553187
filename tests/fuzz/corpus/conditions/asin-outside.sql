asin(candidate.fid) > 10
