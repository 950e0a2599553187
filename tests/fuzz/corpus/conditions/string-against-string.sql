mangrove['lum_dist'] < '100'
