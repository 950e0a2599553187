lower(candidate) = 'x'
