prv_candidates.magpfs IS NULL
