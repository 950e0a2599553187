size(prv_candidates) = -1
