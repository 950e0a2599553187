cast(candidate.magpsf AS decimal(2,1)) IS NULL
