Plx > 1e30
