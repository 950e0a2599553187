array_min(prv_candidates.jd) > candidate.jd - 20
