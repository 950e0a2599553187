candidate.magpsf > 19.5;
candidate.distnr > 2
