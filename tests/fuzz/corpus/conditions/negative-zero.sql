candidate.nbad * -1.0D = 0
