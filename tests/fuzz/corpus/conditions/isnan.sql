isnan(Plx)
