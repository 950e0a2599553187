bigint(timestamp) > 1700000000 AND double(timestamp) < 1.75e9
