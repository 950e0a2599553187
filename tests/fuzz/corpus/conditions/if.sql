IF(candidate.isdiffpos = 't', candidate.magpsf, 99) < 18
