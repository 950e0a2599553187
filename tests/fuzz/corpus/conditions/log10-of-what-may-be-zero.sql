log10(candidate.sgscore1) < 0
