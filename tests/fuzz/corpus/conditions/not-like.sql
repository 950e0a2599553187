cdsxmatch NOT LIKE '%Candidate'
