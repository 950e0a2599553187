string(candidate.magpsf) LIKE '%9'
