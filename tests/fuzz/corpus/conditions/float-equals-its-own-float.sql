candidate.distnr = float(candidate.distnr)
