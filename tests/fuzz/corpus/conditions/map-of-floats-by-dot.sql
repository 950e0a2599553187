t2.AGN > 0.01
