blazar_stats IS NULL
