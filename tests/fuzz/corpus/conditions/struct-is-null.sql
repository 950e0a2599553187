lc_features_g IS NULL
