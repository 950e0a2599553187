prv_candidates[3] IS NULL
