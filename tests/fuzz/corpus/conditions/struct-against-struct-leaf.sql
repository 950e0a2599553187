candidate = candidate.fid
