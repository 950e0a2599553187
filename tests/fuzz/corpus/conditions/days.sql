datediff(timestamp, '2024-04-01') BETWEEN 0 AND 15
