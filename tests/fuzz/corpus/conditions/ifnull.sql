ifnull(spicy_class, 'x') = 'x'
