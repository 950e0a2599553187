"""finkclass in DuckDB's SQL, written from the rule (CONTRACT §2) and not from nightferry's own code.

The columns of the rule are expected under their archive names, the leaves of `candidate` as `"candidate.drb"`, numbers
as DOUBLE. A column that a night lacks is NULL there, and a flag that needs it does not hold.
"""

EXTRAGALACTIC = [
    "Unknown", "Candidate_SN*", "SN*_Candidate", "SN", "Transient", "Fail", "Fail 504", "galaxy", "Galaxy", "EmG",
    "Seyfert", "Seyfert_1", "Seyfert_2", "BlueCompG", "StarburstG", "LSB_G", "HII_G", "High_z_G", "GinPair", "GinGroup",
    "BClG", "GinCl", "PartofG", "Compact_Gr_G", "IG", "PairG", "GroupG", "ClG", "SuperClG", "Void", "LINER",
    "Possible_ClG", "Possible_SClG", "GravLens_Candidate",
]  # fmt: skip

NUMBERS = [
    "roid", "mulens", "snn_snia_vs_nonia", "snn_sn_vs_all", "rf_snia_vs_nonia", "rf_kn_vs_nonkn", "candidate.ndethist",
    "candidate.drb", "candidate.classtar", "candidate.jd", "candidate.jdstarthist",
]  # fmt: skip
TEXTS = ["cdsxmatch", "tracklet"]


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: list[str]) -> str:
    """A list of string literals for IN."""
    return "(" + ", ".join(map(quoted, texts)) + ")"


EXTRAGALACTIC_FLAG = f"(cdsxmatch IN {listed(EXTRAGALACTIC)})"
SIMBAD = (
    "(cdsxmatch NOT IN ('Unknown', 'Transient') AND NOT starts_with(cdsxmatch, 'Fail')"
    " AND NOT starts_with(cdsxmatch, 'Galaxy'))"
)
AGE = '("candidate.jd" - "candidate.jdstarthist")'
REAL_AND_ROUND = '"candidate.drb" > 0.5 AND "candidate.classtar" > 0.4'
SN_BASE = f"((snn_snia_vs_nonia > 0.5 OR snn_sn_vs_all > 0.5) AND {EXTRAGALACTIC_FLAG} AND {REAL_AND_ROUND})"
SUPERNOVA = f'({SN_BASE} AND {AGE} <= 90 AND "candidate.ndethist" > 1 AND roid <> 3)'
EARLY_SUPERNOVA_IA = f'({SN_BASE} AND "candidate.ndethist" <= 20 AND rf_snia_vs_nonia > 0.5)'
KILONOVA = (
    f'(rf_kn_vs_nonkn > 0.5 AND {REAL_AND_ROUND} AND {AGE} < 5 AND "candidate.ndethist" < 20 AND roid <> 3'
    f" AND {EXTRAGALACTIC_FLAG})"
)
MICROLENSING = "(mulens > 0)"
CANDIDATE_OF_THE_SOLAR_SYSTEM = "(roid = 2)"
KNOWN_TO_MPC = "(roid = 3)"
TRACKLET = "(starts_with(tracklet, 'TRCK_'))"
CLAIMS = [MICROLENSING, SUPERNOVA, CANDIDATE_OF_THE_SOLAR_SYSTEM, KNOWN_TO_MPC]
AMBIGUOUS = "(" + " + ".join(f"coalesce({flag}, false)::INTEGER" for flag in CLAIMS) + " > 1)"

# In the rule a later assignment overwrites an earlier one, in CASE the first that holds wins: so from last to first.
FINKCLASS = f"""CASE
    WHEN {SIMBAD} THEN cdsxmatch
    WHEN {AMBIGUOUS} THEN 'Ambiguous'
    WHEN {KNOWN_TO_MPC} THEN 'Solar System MPC'
    WHEN {TRACKLET} THEN 'Tracklet'
    WHEN {CANDIDATE_OF_THE_SOLAR_SYSTEM} THEN 'Solar System candidate'
    WHEN {KILONOVA} THEN 'Kilonova candidate'
    WHEN {EARLY_SUPERNOVA_IA} THEN 'Early SN Ia candidate'
    WHEN {SUPERNOVA} THEN 'SN candidate'
    WHEN {MICROLENSING} THEN 'Microlensing candidate'
    ELSE 'Unknown'
END"""
