gaiaClass = NULL
