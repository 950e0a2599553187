candidate.magpsf & 1 = 1
