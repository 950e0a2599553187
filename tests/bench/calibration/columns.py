"""The columns that conditions of the measurement use, under the names that a user writes."""

# Numbers, with the decimals of a constant that a user would compare them with.
NUMBERS = {
    "candidate.magpsf": 2,
    "candidate.sigmapsf": 2,
    "candidate.magap": 2,
    "candidate.diffmaglim": 2,
    "candidate.rb": 3,
    "candidate.drb": 3,
    "candidate.classtar": 3,
    "candidate.distnr": 3,
    "candidate.magnr": 2,
    "candidate.sgscore1": 2,
    "candidate.distpsnr1": 2,
    "candidate.srmag1": 2,
    "candidate.ssdistnr": 3,
    "candidate.ssmagnr": 3,
    "candidate.fwhm": 3,
    "candidate.elong": 3,
    "candidate.scorr": 3,
    "candidate.neargaia": 3,
    "candidate.ra": 1,
    "candidate.dec": 1,
    "candidate.jd": 2,
    "candidate.jdstarthist": 1,
    "candidate.ndethist": 0,
    "candidate.ncovhist": 0,
    "candidate.field": 0,
    "candidate.rcid": 0,
    "candidate.nbad": 0,
    "rf_snia_vs_nonia": 3,
    "snn_snia_vs_nonia": 3,
    "snn_sn_vs_all": 3,
    "rf_kn_vs_nonkn": 3,
    "mulens": 3,
    "nalerthist": 0,
    "anomaly_score": 3,
    "mag_rate": 3,
    "delta_time": 2,
    "jdstarthist_dt": 1,
}
# Whole numbers of which there are few.
FEW = ["candidate.fid", "candidate.nneg", "candidate.nmatches", "roid", "gaiaVarFlag"]
TEXTS = ["objectId", "cdsxmatch", "tracklet", "candidate.isdiffpos", "candidate.ssnamenr", "DR3Name"]
# What a user calculates, in the width of the columns: a difference of floats is a float, in Spark and in DuckDB.
CALCULATED = {
    "candidate.magnr - candidate.magpsf": 2,
    "candidate.magpsf - candidate.diffmaglim": 2,
    "candidate.jd - candidate.jdstarthist": 1,
}
# Of the night, so that no night lacks them.
DERIVED = ["finkclass", "year", "month", "day"]
