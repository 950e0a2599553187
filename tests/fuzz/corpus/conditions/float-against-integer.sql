candidate.exptime = 30
