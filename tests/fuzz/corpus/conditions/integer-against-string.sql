candidate.fid = '1'
