cdsxmatch LIKE 'Seyfert_'
