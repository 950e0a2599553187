month = 8 AND day < 10
