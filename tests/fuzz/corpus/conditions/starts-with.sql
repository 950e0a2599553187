starts_with(cdsxmatch, 'YSO')
