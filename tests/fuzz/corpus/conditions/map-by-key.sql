mangrove['HyperLEDA_name'] != 'None'
