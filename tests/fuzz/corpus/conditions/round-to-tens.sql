round(candidate.ndethist, -1) = 10
