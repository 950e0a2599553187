(candidate.fid = 1) = (candidate.magpsf > 18)
