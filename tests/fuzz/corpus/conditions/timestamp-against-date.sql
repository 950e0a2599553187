timestamp < DATE '2023-01-10'
