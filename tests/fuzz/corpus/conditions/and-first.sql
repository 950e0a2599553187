AND candidate.magpsf > 19
