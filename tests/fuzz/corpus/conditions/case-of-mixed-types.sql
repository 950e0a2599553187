CASE WHEN candidate.fid = 1 THEN 1 ELSE 2.5 END > 2
