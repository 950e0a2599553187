cast(candidate.isdiffpos AS int) IS NULL
