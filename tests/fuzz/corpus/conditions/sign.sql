sign(candidate.dec) = -1
