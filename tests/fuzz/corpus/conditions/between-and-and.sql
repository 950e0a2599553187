candidate.magpsf BETWEEN 18 AND 19 AND candidate.fid = 1
