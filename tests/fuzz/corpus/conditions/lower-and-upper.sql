lower(cdsxmatch) = 'galaxy' OR upper(cdsxmatch) = 'YSO'
