timestamp > '2024-04-10'
