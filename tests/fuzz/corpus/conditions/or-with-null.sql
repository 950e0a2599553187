gaiaClass = 'LPV' OR candidate.fid = 1
