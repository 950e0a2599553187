float(candidate.ra) > 100 AND int(candidate.dec) > 0 AND bigint(candidate.dec) < 50
