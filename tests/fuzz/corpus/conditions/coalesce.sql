coalesce(gaiaClass, 'none') = 'none'
