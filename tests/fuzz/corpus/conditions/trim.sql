trim('  ' || cdsxmatch || ' ') = cdsxmatch
