cdsxmatch = "Unknown"
