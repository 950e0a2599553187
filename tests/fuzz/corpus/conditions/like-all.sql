cdsxmatch NOT LIKE ALL ('%V*%', '%YSO%')
