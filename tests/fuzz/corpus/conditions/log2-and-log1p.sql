log2(candidate.nneg) >= 0 OR log1p(candidate.nneg) > 1
