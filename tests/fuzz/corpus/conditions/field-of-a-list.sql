array_contains(prv_candidates.fid, 2)
