element_at(blazar_stats, 'm1') < 0
