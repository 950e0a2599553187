"""What Spark is asked: conditions over the real alerts, and constant expressions.

A condition that is a list is several conditions, joined by `;` for nightferry and chained filters for Spark.
"""

CONDITIONS = [
    # The examples of CONTRACT §3.
    ("contract: magnitude and distance", ["candidate.magpsf > 19.5", "candidate.distnr > 2"]),
    ("contract: magnitude difference",
     ["(candidate.magnr - candidate.magpsf) < -4 * (LOG10(candidate.distnr) + 0.2)"]),
    ("contract: scores", ["rf_snia_vs_nonia > 0.5", "snn_snia_vs_nonia > 0.5"]),
    # Names.
    ("names in any case", "CANDIDATE.MagPSF > 18 AND OBJECTID LIKE 'ZTF1%'"),
    ("backticks", "`candidate`.`magpsf` > 18"),
    ("backticks around a path", "`candidate.magpsf` > 18"),
    ("derived columns", "finkclass = 'Unknown' AND year = 2024"),
    ("tnsclass", "tnsclass != 'Unknown'"),
    ("month and day", "month = 8 AND day < 10"),
    ("a column named like a type", "timestamp IS NOT NULL"),
    ("a field named like a keyword", "candidate.field > 500"),
    ("unknown root", "jd > 2459000"),
    ("unknown leaf", "candidate.magpfs > 18"),
    ("root of another name", "magpsf > 18"),
    # Numbers.
    ("float against decimal", "candidate.magpsf > 19.1"),
    ("float equals decimal", "candidate.magpsf = 19.1"),
    ("float equals its own float", "candidate.distnr = float(candidate.distnr)"),
    ("float equals its text", "candidate.distnr = float(string(candidate.distnr))"),
    ("float against double", "candidate.magpsf > 19.1D"),
    ("float against float literal", "candidate.exptime = 30.0F"),
    ("float against integer", "candidate.exptime = 30"),
    ("float against bigint", "candidate.magpsf < candid"),
    ("double against exponent", "candidate.jd > 2.4595e6"),
    ("integer against decimal", "candidate.fid > 1.5"),
    ("integer against bigint literal", "candidate.fid < 2L"),
    ("division of integers", "candidate.fid / 2 = 0.5"),
    ("division by a column with zeros", "1 / candidate.nneg > 0.4"),
    ("remainder by zero", "candidate.ndethist % candidate.nneg = 1"),
    ("remainder of negative", "(candidate.fid - 3) % 2 = -1"),
    ("mod and pmod", "pmod(candidate.fid - 3, 2) = 1 AND mod(candidate.fid - 3, 2) = -1"),
    ("div", "candidate.ndethist div 3 = 1"),
    ("div of floats", "candidate.magpsf div 2 = 9"),
    ("decimal arithmetic", "candidate.fid * 0.1 = 0.2"),
    ("decimal division", "candidate.ndethist / 0.7 > 10"),
    ("decimal sum of many digits", "candidate.fid + 0.123456789 = 1.123456789"),
    ("double times decimal", "candidate.jd * 0.1 > 245950"),
    ("integer overflow wraps", "candidate.fid + 2147483647 < 0"),
    ("bigint overflow wraps", "candid * 1000 < 0"),
    ("negative literal", "candidate.ssdistnr = -999.0"),
    ("double negative", "- - candidate.fid = 2"),
    ("unary minus of a float", "-candidate.magpsf < -19"),
    ("bits", "candidate.fid & 1 = 1"),
    ("bits or and xor", "(candidate.fid | 4) = 5 OR candidate.fid ^ 3 = 1"),
    ("bit not and shift", "~candidate.fid = -2 OR candidate.fid << 2 = 8"),
    ("bits of a float", "candidate.magpsf & 1 = 1"),
    ("precedence of sum and product", "1 + candidate.fid * 2 = 5"),
    ("precedence of comparison and bits", "candidate.fid | 2 = 3"),
    ("boolean arithmetic", "from_upper + 1 > 1"),
    # NaN and zero.
    ("NaN is above all", "Plx > 1e30"),
    ("NaN equals itself", "Plx = Plx"),
    ("NaN literal", "Plx = double('NaN')"),
    ("NaN not less", "Plx < 0"),
    ("isnan", "isnan(Plx)"),
    ("isnan of a map value", "isnan(mangrove['lum_dist'])"),
    ("not isnan", "NOT isnan(Plx)"),
    ("nanvl", "nanvl(Plx, -1) < 0"),
    ("negative zero", "candidate.nbad * -1.0D = 0"),
    ("greatest with NaN", "greatest(Plx, 0) > 100"),
    ("least skips NULL", "least(Plx, 0) = 0"),
    ("greatest of strings and numbers", "greatest(candidate.fid, '2') = 2"),
    ("BETWEEN and NaN", "Plx BETWEEN 0 AND 1"),
    ("IN and NaN", "Plx IN (float('NaN'), 1)"),
    # NULL.
    ("IS NULL", "gaiaClass IS NULL"),
    ("IS NOT NULL", "gaiaClass IS NOT NULL"),
    ("equals NULL", "gaiaClass = NULL"),
    ("null-safe equals", "gaiaClass <=> NULL"),
    ("null-safe equals a value", "NOT (gaiaClass <=> 'LPV')"),
    ("not equal and NULL", "gaiaClass != 'nan'"),
    ("OR with NULL", "gaiaClass = 'LPV' OR candidate.fid = 1"),
    ("AND with NULL", "NOT (gaiaClass = 'LPV' AND candidate.fid = 1)"),
    ("IN with NULL", "candidate.fid IN (1, NULL)"),
    ("NOT IN with NULL", "candidate.fid NOT IN (1, NULL)"),
    ("struct IS NULL", "lc_features_g IS NULL"),
    ("struct IS NOT NULL", "lc_features_g IS NOT NULL"),
    ("field of a NULL struct", "lc_features_g.mean > 0"),
    ("list IS NULL", "prv_candidates IS NULL"),
    ("map IS NULL", "blazar_stats IS NULL"),
    ("IS DISTINCT FROM", "gaiaClass IS DISTINCT FROM 'nan'"),
    ("IS NOT DISTINCT FROM", "gaiaClass IS NOT DISTINCT FROM 'nan'"),
    ("IS TRUE", "from_upper IS TRUE"),
    ("IS NOT TRUE", "from_upper IS NOT TRUE"),
    ("IS FALSE", "from_upper IS FALSE"),
    ("IS UNKNOWN", "from_upper IS UNKNOWN"),
    ("two IS", "from_upper IS NULL IS NULL"),
    ("coalesce", "coalesce(gaiaClass, 'none') = 'none'"),
    ("coalesce of mixed types", "coalesce(Plx, candidate.fid) > 0.5"),
    ("nvl", "nvl(Plx, 9) = 9"),
    ("nvl2", "nvl2(gaiaClass, candidate.fid, 7) = 7"),
    ("ifnull", "ifnull(spicy_class, 'x') = 'x'"),
    ("nullif", "nullif(gaiaClass, 'nan') IS NOT NULL"),
    ("nullif across types", "nullif(candidate.fid, '1') IS NULL"),
    ("isnull and isnotnull", "isnull(gaiaClass) OR isnotnull(spicy_id)"),
    # Truth.
    ("a boolean column", "from_upper"),
    ("not of a column", "NOT from_upper"),
    ("exclamation mark", "!from_upper"),
    ("exclamation mark binds as NOT", "!candidate.fid = 1"),
    ("NOT binds below comparison", "NOT candidate.fid = 1 AND candidate.magpsf > 18"),
    ("AND before OR", "candidate.fid = 1 OR candidate.fid = 2 AND candidate.magpsf > 19"),
    ("a number is no condition", "candidate.magpsf"),
    ("a string is no condition", "'true'"),
    ("NULL as a condition", "NULL"),
    ("true", "true"),
    ("NOT of a number", "NOT candidate.fid"),
    ("AND of a number", "candidate.fid AND true"),
    ("AND of a string", "'true' AND true"),
    ("a boolean equals a number", "from_upper = 1"),
    ("a boolean below a number", "from_upper < 1"),
    ("a boolean equals a string", "from_upper = 'true'"),
    ("a comparison of comparisons", "(candidate.fid = 1) = (candidate.magpsf > 18)"),
    ("chained comparison", "candidate.fid = 1 = true"),
    # Strings against numbers.
    ("string column against integer", "candidate.isdiffpos = 1"),
    ("string column against boolean", "candidate.isdiffpos = true"),
    ("integer against string", "candidate.fid = '1'"),
    ("integer against fractional string", "candidate.fid = '1.7'"),
    ("integer against a word", "candidate.fid = 'one'"),
    ("float against string", "candidate.magpsf > '19.5'"),
    ("decimal against string", "'19.5' = 19.50"),
    ("string arithmetic", "candidate.fid + '1' = 2"),
    ("map string against number", "mangrove['lum_dist'] < 100"),
    ("map string against decimal", "mangrove['lum_dist'] < 100.5"),
    ("string against string", "mangrove['lum_dist'] < '100'"),
    ("cast of map string", "cast(mangrove['ang_dist'] AS double) < 0.5"),
    ("IN of mixed types", "candidate.fid IN ('1', 3)"),
    ("IN of floats as strings", "candidate.exptime IN ('30.0')"),
    ("IN of decimals", "candidate.fid IN (1.0, 3.5)"),
    ("IN of a boolean", "candidate.fid IN (true)"),
    ("NOT IN", "cdsxmatch NOT IN ('Unknown', 'Galaxy')"),
    ("struct against number", "candidate > 1"),
    ("struct against struct leaf", "candidate = candidate.fid"),
    ("list against number", "prv_candidates = 1"),
    ("map against number", "mangrove = 1"),
    # Casts.
    ("cast to int truncates", "cast(candidate.magpsf AS int) = 18"),
    ("cast of a word to int", "cast(candidate.isdiffpos AS int) IS NULL"),
    ("cast to boolean", "cast(candidate.isdiffpos AS boolean)"),
    ("cast of a number to boolean", "cast(candidate.nneg AS boolean)"),
    ("cast to string", "cast(candidate.exptime AS string) = '30.0'"),
    ("string of a float", "string(candidate.magpsf) LIKE '%9'"),
    ("string of a double", "string(candidate.jd) LIKE '2.459%E6'"),
    ("string of an integer", "string(candidate.fid) || 'x' = '1x'"),
    ("cast to decimal", "cast(candidate.magpsf AS decimal(5,2)) = 18.50 OR cast(candidate.magpsf AS decimal(3,1)) > 19"),
    ("cast to tiny decimal overflows", "cast(candidate.magpsf AS decimal(2,1)) IS NULL"),
    ("cast to smallint wraps", "cast(candid AS smallint) > 0"),
    ("cast to float", "cast(candidate.jd AS float) = 2459063.75"),
    ("double colon", "candidate.magpsf::int = 19"),
    ("functions of types", "float(candidate.ra) > 100 AND int(candidate.dec) > 0 AND bigint(candidate.dec) < 50"),
    ("try_cast", "try_cast(candidate.isdiffpos AS int) IS NULL"),
    ("cast to an unknown type", "cast(candidate.fid AS number) = 1"),
    ("cast of a struct", "cast(candidate AS int) = 1"),
    # Mathematics.
    ("log10 of what may be zero", "log10(candidate.sgscore1) < 0"),
    ("log of negative", "log(candidate.sgmag1) IS NULL"),
    ("ln", "ln(candidate.distnr) > 0"),
    ("log with base", "log(2, candidate.ndethist) > 3"),
    ("log2 and log1p", "log2(candidate.nneg) >= 0 OR log1p(candidate.nneg) > 1"),
    ("sqrt of negative is NaN", "sqrt(candidate.sgmag1) > 100"),
    ("cbrt", "cbrt(candidate.dec) < 0"),
    ("power", "pow(10, -0.4 * (candidate.magpsf - 20)) > 3"),
    ("power of two columns", "power(candidate.fid, 2) = 4"),
    ("exp and expm1", "exp(-candidate.distnr) > 0.5 OR expm1(candidate.distnr) < 0.1"),
    ("trigonometry", "sin(radians(candidate.dec)) > 0.5 AND cos(radians(candidate.ra)) < 0"),
    ("angles", "degrees(atan2(candidate.dec, candidate.ra)) BETWEEN 5 AND 15"),
    ("asin outside", "asin(candidate.fid) > 10"),
    ("great circle", "degrees(acos(sin(radians(candidate.dec)) * sin(radians(30)) + cos(radians(candidate.dec)) "
     "* cos(radians(30)) * cos(radians(candidate.ra - 200)))) < 40"),
    ("abs", "abs(candidate.dec) < 20"),
    ("abs of a string", "abs(mangrove['ang_dist']) > 0"),
    ("sign", "sign(candidate.dec) = -1"),
    ("round", "round(candidate.magpsf, 1) = 19.1D"),
    ("round of a float", "round(candidate.magpsf) = 18"),
    ("round of a double", "round(candidate.jd, 1) = 2459063.7"),
    ("round to tens", "round(candidate.ndethist, -1) = 10"),
    ("bround", "bround(candidate.magpsf, 1) = round(candidate.magpsf, 1)"),
    ("floor and ceil", "floor(candidate.magpsf) = 18 AND ceil(candidate.magpsf) = 19"),
    ("ceiling of an integer", "ceiling(candidate.fid) = 2"),
    ("pi", "pi() > 3.14 AND candidate.fid = 1"),
    ("greatest", "greatest(candidate.sgmag1, candidate.srmag1, candidate.simag1) < 18"),
    ("least", "least(candidate.sgmag1, candidate.srmag1, 0) < -100"),
    ("sqrt of a boolean", "sqrt(from_upper) > 0"),
    ("too many arguments", "sqrt(candidate.fid, 2) > 0"),
    ("too few arguments", "pow(candidate.fid) > 0"),
    ("colours", "candidate.sgmag1 - candidate.srmag1 BETWEEN 0.2 AND 1.2 AND candidate.sgmag1 > 0"),
    # Strings.
    ("LIKE", "cdsxmatch LIKE '%V*'"),
    ("LIKE underscore", "cdsxmatch LIKE 'Seyfert_'"),
    ("LIKE escaped", "cdsxmatch LIKE '%\\_Candidate'"),
    ("LIKE with own escape", "cdsxmatch LIKE '%/_C%' ESCAPE '/'"),
    ("LIKE ending in its escape", "cdsxmatch LIKE 'a\\\\'"),
    ("NOT LIKE", "cdsxmatch NOT LIKE '%Candidate'"),
    ("ILIKE", "cdsxmatch ILIKE '%galaxy%'"),
    ("LIKE of a number", "candidate.fid LIKE '1'"),
    ("LIKE any", "cdsxmatch LIKE ANY ('YSO%', 'RR%')"),
    ("LIKE all", "cdsxmatch NOT LIKE ALL ('%V*%', '%YSO%')"),
    ("LIKE of a column", "cdsxmatch LIKE finkclass"),
    ("RLIKE", "cdsxmatch RLIKE '^(YSO|RR)'"),
    ("REGEXP", "cdsxmatch REGEXP 'V[*]$'"),
    ("RLIKE with digits", "objectId RLIKE '^ZTF(17|18)[a-z]{7}$'"),
    ("RLIKE with an escaped class", "objectId RLIKE 'ZTF\\\\d{2}a{2}'"),
    ("NOT RLIKE", "cdsxmatch NOT RLIKE 'Candidate'"),
    ("RLIKE broken", "cdsxmatch RLIKE '('"),
    ("double quotes", "cdsxmatch = \"Unknown\""),
    ("semicolon and dashes in strings", "cdsxmatch != ';' AND cdsxmatch != '--'"),
    ("quotes in strings", "cdsxmatch != 'it\\'s' AND cdsxmatch != 'it''s' AND cdsxmatch != \"a\"\"b\""),
    ("strings side by side", "cdsxmatch = 'Unk' 'nown'"),
    ("lower and upper", "lower(cdsxmatch) = 'galaxy' OR upper(cdsxmatch) = 'YSO'"),
    ("length", "length(cdsxmatch) = 6"),
    ("length of a number", "length(candidate.fid) = 1"),
    ("substring", "substring(objectId, 4, 2) = '18'"),
    ("substring from zero", "substr(objectId, 0, 3) = 'ZTF'"),
    ("substring from the end", "substring(objectId, -3) > 'm'"),
    ("substring FROM FOR", "substring(objectId FROM 4 FOR 2) IN ('17', '19')"),
    ("substring against a number", "int(substring(objectId, 4, 2)) >= 20"),
    ("left and right", "left(objectId, 5) = 'ZTF18' OR right(objectId, 1) = 'a'"),
    ("concat", "concat(cdsxmatch, '/', candidate.fid) = 'Galaxy/1'"),
    ("concat with NULL", "concat(gaiaClass, 'x') IS NULL"),
    ("concat by bars", "cdsxmatch || '-' || finkclass = 'Unknown-Unknown'"),
    ("bars and plus", "'1' || candidate.fid + 1 = 12"),
    ("startswith", "startswith(cdsxmatch, 'YSO')"),
    ("endswith", "endswith(cdsxmatch, '_Candidate')"),
    ("contains", "contains(cdsxmatch, 'V*')"),
    ("starts_with", "starts_with(cdsxmatch, 'YSO')"),
    ("instr and locate", "instr(cdsxmatch, 'V') > 3 AND locate('V', cdsxmatch, 2) > 3"),
    ("position", "position('V' IN cdsxmatch) > 0"),
    ("replace", "replace(cdsxmatch, '_Candidate', '') = 'YSO'"),
    ("trim", "trim('  ' || cdsxmatch || ' ') = cdsxmatch"),
    ("trim of given characters", "trim(BOTH 'Un' FROM cdsxmatch) = 'know'"),
    ("ltrim and rtrim", "ltrim(' a') || rtrim('b ') = 'ab' AND candidate.fid = 1"),
    ("comparison of strings", "cdsxmatch > 'S'"),
    ("lower of a struct", "lower(candidate) = 'x'"),
    # Choice.
    ("searched CASE", "CASE WHEN candidate.fid = 1 THEN candidate.magpsf < 19 WHEN Plx > 0 THEN true ELSE false END"),
    ("CASE without ELSE", "CASE WHEN candidate.fid = 1 THEN true END"),
    ("simple CASE", "CASE candidate.fid WHEN 1 THEN 'g' WHEN 2 THEN 'r' ELSE 'i' END = 'r'"),
    ("CASE of mixed types", "CASE WHEN candidate.fid = 1 THEN 1 ELSE 2.5 END > 2"),
    ("CASE of string and number", "CASE WHEN candidate.fid = 1 THEN 1 ELSE 'two' END = 'two'"),
    ("CASE of boolean and number", "CASE WHEN true THEN true ELSE 1 END"),
    ("CASE on a number", "CASE WHEN candidate.fid THEN true END"),
    ("IF", "IF(candidate.isdiffpos = 't', candidate.magpsf, 99) < 18"),
    ("IF on NULL", "IF(gaiaClass = 'LPV', 1, 2) = 2"),
    ("BETWEEN", "candidate.magpsf BETWEEN 18 AND 19"),
    ("NOT BETWEEN", "candidate.magpsf NOT BETWEEN 18 AND 19"),
    ("BETWEEN and AND", "candidate.magpsf BETWEEN 18 AND 19 AND candidate.fid = 1"),
    ("BETWEEN of strings and numbers", "candidate.magpsf BETWEEN '18' AND 18.5"),
    ("BETWEEN the wrong way round", "candidate.magpsf BETWEEN 19 AND 18"),
    # Arrays and maps.
    ("size of a list", "size(prv_candidates) > 20"),
    ("size of NULL", "size(prv_candidates) = -1"),
    ("cardinality", "cardinality(prv_candidates) < 10"),
    ("size of a map", "size(blazar_stats) = 3"),
    ("size of a missing map", "size(t2) = -1"),
    ("field of a list", "array_contains(prv_candidates.fid, 2)"),
    ("field of a list, NULLs inside", "array_contains(prv_candidates.candid, 0)"),
    ("field of a list of strings", "array_contains(prv_candidates.isdiffpos, 'f')"),
    ("array_contains across numbers", "array_contains(prv_candidates.fid, 2.0)"),
    ("array_contains across types", "array_contains(prv_candidates.fid, '2')"),
    ("array_contains of an array", "array_contains(array(1, 2), candidate.fid)"),
    ("array_contains of names", "array_contains(array('YSO', 'Galaxy'), cdsxmatch)"),
    ("array_max", "array_max(prv_candidates.magpsf) > 20"),
    ("array_min", "array_min(prv_candidates.jd) > candidate.jd - 20"),
    ("element of a list", "prv_candidates[0].magpsf > 18"),
    ("element of a field", "prv_candidates.magpsf[1] > 18"),
    ("element beyond the end", "prv_candidates[100].magpsf IS NULL"),
    ("element IS NULL", "prv_candidates[3] IS NULL"),
    ("element_at", "element_at(prv_candidates.jd, -1) < candidate.jd - 1"),
    ("element_at zero", "element_at(prv_candidates.jd, 0) > 1"),
    ("element by string", "prv_candidates['0'] IS NULL"),
    ("map by key", "mangrove['HyperLEDA_name'] != 'None'"),
    ("map by dot", "mangrove.HyperLEDA_name != 'None'"),
    ("map by dot, other case", "mangrove.hyperleda_name != 'None'"),
    ("map of floats", "blazar_stats['m0'] = -1"),
    ("map of floats by dot", "t2.AGN > 0.01"),
    ("map key with a dash", "t2['M-dwarf'] > 0"),
    ("map key missing", "mangrove['nothing'] IS NULL"),
    ("map key of another type", "mangrove[1] IS NULL"),
    ("map element_at", "element_at(blazar_stats, 'm1') < 0"),
    ("map_contains_key", "map_contains_key(mangrove, 'lum_dist')"),
    ("map_keys", "array_contains(map_keys(t2), 'SLSN-I')"),
    ("map_values", "array_contains(map_values(mangrove), 'None')"),
    ("unknown field of a list", "prv_candidates.magpfs IS NULL"),
    ("field of a number", "candidate.magpsf.x > 1"),
    ("index of a number", "candidate.magpsf[0] > 1"),
    ("size of a number", "size(candidate.magpsf) = 1"),
    # Times.
    ("timestamp against string", "timestamp > '2024-04-10'"),
    ("timestamp against string with time", "timestamp >= '2024-04-10 08:00:00' AND timestamp < '2025-01-01T00:00:00Z'"),
    ("timestamp against no time", "timestamp > 'sometime'"),
    ("timestamp against timestamp", "timestamp < TIMESTAMP '2023-01-10 00:00:00'"),
    ("timestamp against date", "timestamp < DATE '2023-01-10'"),
    ("timestamp against number", "timestamp > 5"),
    ("timestamp BETWEEN", "timestamp BETWEEN '2024-01-01' AND '2024-12-31'"),
    ("timestamp as string", "string(timestamp) LIKE '2024-04-1%'"),
    ("timestamp as seconds", "bigint(timestamp) > 1700000000 AND double(timestamp) < 1.75e9"),
    ("year of a timestamp", "year(timestamp) = 2024 AND month(timestamp) = 4"),
    ("hour", "hour(timestamp) < 6 OR minute(timestamp) = 0 OR second(timestamp) > 58"),
    ("date of a timestamp", "date(timestamp) = '2024-04-12'"),
    ("days", "datediff(timestamp, '2024-04-01') BETWEEN 0 AND 15"),
    ("extract", "EXTRACT(DAY FROM timestamp) = 12"),
    ("year is a column and a function", "year(timestamp) = year"),
    ("broken date", "timestamp > DATE '2024-13-01'"),
    # Grammar.
    ("empty parentheses", "()"),
    ("nothing after an operator", "candidate.magpsf >"),
    ("two values", "candidate.magpsf 19"),
    ("unbalanced", "(candidate.magpsf > 19"),
    ("AND first", "AND candidate.magpsf > 19"),
    ("empty IN", "candidate.fid IN ()"),
    ("unknown function", "lgo10(candidate.magpsf) > 1"),
    ("parentheses", "((((candidate.fid)) = ((1))))"),
    ("a comment inside", "candidate.fid /* the filter */ = 1"),
    ("a line break inside", "candidate.fid\n = 1"),
    ("no blanks", "candidate.fid=1AND candidate.rb>0.5"),
    ("a name that begins with a digit", "2mass > 1"),
    ("many ORs", " OR ".join(f"candidate.rcid = {n}" for n in range(0, 60, 2))),
    ("many names", "cdsxmatch IN (" + ", ".join(f"'{n}'" for n in ("YSO", "Mira", "RRLyrae", "EclBin", "Ae*")) + ")"),
]

VALUES = [line for line in r"""
'it''s'
'a' 'b'
"x""y"
'a\%b\_c\101\u0041'
1/2
1/2.5
3 * 0.1
3 * 0.1 = 0.3
cast(3 as int) * 0.1
cast(3 as int) / 0.7
1.5/0.7
1.5 - 2.25
1.1 * 2.22
2.5 % 0.7
-7.5 % 2
pmod(-7.5, 2)
5.5 div 2
123456789012345678.123456789 * 9876543210.123456789
123456789012345678901234567890.12 + 0.123456789
1.0 / 3
1.0 / 0
cast(1.5 as float) + 0.1
cast(0.1 as float) + cast(0.2 as float)
cast(0.1 as float) * 3
cast(0.1 as float) = 0.1
cast(0.1 as float) = 0.1F
1 = '1.5'
1.0 = '1'
'1.5' + 1
'a' + 1
'7' div 2
5.5D div 2
cast('19.5' as int)
cast('.5' as int)
cast('.' as int)
cast('1.' as int)
cast('' as int)
cast('-' as int)
cast('1e3' as int)
cast(' 12 ' as int)
cast('+5' as int)
cast('99999999999' as int)
cast('128' as tinyint)
cast('1d' as double)
cast('1e3' as double)
cast(' NaN ' as double)
cast('inf' as double)
cast('-Infinity' as float)
cast('1.5.5' as double)
cast('' as double)
cast(1e10 as int)
cast(double('NaN') as int)
cast(1e20 as bigint)
cast(300 as tinyint)
cast(1e10 as smallint)
cast(123456789.9D as float)
cast(1.5 as boolean)
cast(0.0 as boolean)
cast('yes' as boolean)
cast('maybe' as boolean)
cast(true as int)
cast(true as decimal(3,1))
cast(1e7 as string)
cast(123456.789 as double)
0.001D
0.0001D
1234567.125D
12345678.5D
1e-300
1.7976931348623157e308
float(19.1)
float(1e10)
float(1.0E-5)
0.0000001
1e-7BD
1.50
double('NaN')
-0.0D
1.0D / 3
2.0D / 3
round(2.5)
round(-2.5)
round(2.675D, 2)
round(float(2.675), 2)
round(1234, -2)
round(25, -1)
round(-25, -1)
round(1.005D, 2)
round(2.55, 1)
round(1234.567, -2)
round('2.5')
round(1e20, 2)
bround(2.5)
bround(3.5D)
bround(2.25D, 1)
bround(35, -1)
floor(2.5)
floor(-2.5)
floor(-2.5D)
floor(float(1.5))
ceil(-0.5)
ceil(1e30)
ceil('1.2')
log(-1)
log(0)
log(double('NaN'))
log(2, 8)
log(0, 8)
log(10, 0)
log10(1000)
log2(8)
log1p(-1)
ln(2)
sqrt(-1)
sqrt('4')
sqrt(true)
sqrt(2)
cbrt(-8)
pow(2, 3)
pow(0, -1)
pow(-8, 1/3)
pow(1, double('NaN'))
pow(2, 0.5)
atan2(1, 1)
atan2(-0.0D, -1)
degrees(pi())
degrees(1)
radians(180)
radians(1)
sign(-3)
sign(-3.5)
sign(0)
1/0
1 % 0
1.0D/0.0D
5 div 0
5 div 2
-7 div 2
-7 % 3
pmod(-7, 3)
pmod(7, -3)
pmod(-7.5D, 2)
-7.5D % 2
2147483647 + 1
9223372036854775807 + 1
-2147483648
-9223372036854775808
9223372036854775808
abs(-2147483648)
abs('5')
abs(-1.5)
- '5'
-(1.5)
1 | 2 = 3
5 & 3
5 ^ 1
~5
1 << 33
-8 >> 1
-8 >>> 28
1L << 33
2 + 3 * 4 - 1
2 - 3 - 4
'a' || 1 + 2
1 + 2 || 'a'
size(array(1, 2))
size(array())
array(1, 2)[0]
array(1, 2)[5]
array(1, 2)[-1]
element_at(array(1, 2), 1)
element_at(array(1, 2), -1)
element_at(array(1, 2), 9)
element_at(array(1, 2), 0)
array_contains(array(1, null), 2)
array_contains(array(1, null), 1)
array_contains(array(1, 2), '1')
array_contains(array(1, 2), 1.0)
array_contains(array(1.0D, 2), 1)
array_contains(array(1), null)
array_max(array(1, 3, null))
array_max(array(1, double('NaN')))
array_min(array('b', 'a'))
greatest(1, double('NaN'), null)
greatest(1, 2.5)
greatest('a', 'b')
greatest(1)
least(1, null)
least(double('NaN'), 1)
coalesce(1, 'a')
coalesce(null, 1.5, 2D)
nvl(null, 1)
nullif(1, 1)
nullif(1, '1')
nvl2(null, 1, 'x')
isnan('NaN')
isnan(null)
nanvl(double('NaN'), 1)
nanvl(float('NaN'), float(2))
if(null, 1, 2)
if(true, 1, 'a')
if(1, 2, 3)
1 in ('1', '2')
1 in (1.0, '1')
1.5D in ('1.5')
null in (1)
1 in (1, null)
1 in (2, null)
1 in (true)
1 <=> null
null <=> null
1 = null
true = 1
true < 1
'1' = true
true = 'yes'
'abc' like 'a%'
'abc' like '_b_'
'a%c' like 'a\%c'
'abc' like 'a\%c'
'a_c' like 'a/_c' escape '/'
'abc' like null
'ABC' ilike 'a%'
'a\nb' like 'a%b'
'abc' rlike '^a.c$'
'abc' rlike 'B'
'abc' rlike null
'a1' rlike '\\d'
'abc\n' rlike 'c$'
'a\nb' rlike 'a.b'
'é' rlike '\\w'
'ABC' rlike '(?i)abc'
'abc' rlike '[[:alpha:]]'
'a-b' rlike '[a\\-z]-'
substring('abcdef', 0, 2)
substring('abcdef', -3, 2)
substring('abcdef', -10, 6)
substring('abcdef', 2)
substring('abcdef', 3, -1)
substring('aé€x', 2, 2)
substr('abc', '2')
left('abc', 2)
left('abc', -1)
right('abc', 2)
right('abc', 5)
right('abc', 0)
instr('abc', 'c')
instr('abc', 'x')
locate('b', 'abcb', 3)
locate('b', 'abcb', 0)
locate('', 'abc')
locate('', 'abc', 5)
replace('abab', 'a')
replace('abab', '', 'x')
replace('abab', 'b', 'xy')
trim('  a ')
trim('\t a')
trim('x' from 'xxaxx')
trim('x', 'xxaxx')
trim(leading 'x' from 'xxaxx')
trim(trailing from 'a  ')
ltrim('x', 'xxaxx')
rtrim('xy', 'axyx')
concat('a', null)
concat('a', 1, true, 1.5, 2.5D)
length('aé€')
length(12.50)
upper('straße')
lower('ÀB')
reverse('aé')
startswith('abc', '')
endswith(123, 3)
contains('abc', null)
case when null then 1 else 2 end
case 1 when 1 then 'x' when '2' then 3 else 4.5 end
case 'a' when 1 then 2 end
case when false then 1 end
case when true then 1 else 2.50 end
case when true then date '2024-01-02' else timestamp '2024-01-02 03:04:05' end
5 between 1 and 2.5
1 between '0' and 2
2 between 3 and 1
1 is distinct from null
1 is true
1 == 1.0
'a' = 'A'
1S + 1Y
1L + 1
1.5F
1.5F + 1.5
16777217 + 0F
1.5BD
5D
.5
5.
0.05 + 0.5
123456789012345678901234567890
1234567890123456789012345678901234567890
300Y
cast(1.2345 as decimal(3,1))
cast('1.25' as decimal(3,1))
cast(-1.25 as decimal(3,1))
cast(99999 as decimal(3,1))
cast(1.0D as decimal(10,2))
cast(1e-3 as decimal(10,2))
cast('abc' as decimal(3,1))
cast(0.1F as decimal(10,8))
cast(2.9 as int)
cast(-2.9 as bigint)
decimal(1.5)
date '2024-01-02' < '2024-01-03'
timestamp '2024-01-02' = '2024-01-02'
timestamp '2024-01-02 01:02:03.5' > '2024-01-02 01:02'
timestamp '2024-01-02' > date '2024-01-01'
timestamp '2024-01-02' > 5
date '2024-01-02' = 5
timestamp '2024-01-02 01:02:03.50'
timestamp '2024-01-02 01:02:03+02:00'
cast('2024-1-2 1:2:3' as timestamp)
cast('2024-1-2T1:2:3Z' as timestamp)
cast('2024-1-2 1' as timestamp)
cast('2024-1-2 1:2' as timestamp)
cast('2024' as timestamp)
cast('2024-01' as date)
cast('2024-02-30' as date)
cast('2024-01-02 10:00:00' as date)
cast('24-01-02' as date)
cast('2024-01-02x' as date)
cast('2024-01x' as date)
cast('2024-01-02 03:04:05.123456789' as timestamp)
cast('2024-01-02 03:04:05 UTC' as timestamp)
cast('2024-01-02 25:04:05' as timestamp)
cast(timestamp '2024-01-02 01:02:03.5' as double)
cast(timestamp '1969-12-31 23:59:59.5' as bigint)
cast(timestamp '1969-12-31 23:59:59.5' as date)
cast(date '2024-01-02' as int)
cast(5 as date)
cast(5 as timestamp)
cast(1.5 as timestamp)
cast(true as timestamp)
year('2024-01-02')
dayofyear(date '2024-02-01')
dayofweek(date '2024-02-01')
quarter(date '2024-02-01')
second(timestamp '2024-01-02 05:06:07.5')
hour('2024-01-02 05:06:07')
datediff('2024-01-03', '2024-01-01')
extract(year from date '2024-02-01')
to_date('2024-01-02')
to_timestamp('2024-01-02 03:04')
!true
! 1 = 1
not true and false
1 = 1 is null
1 + true
not 1
1 and true
cast('a' as float)
'1'::int + 1
hypot(3, 4)
rint(2.5)
e()
negative(5)
positive('5')
tinyint(5) + smallint(5)
boolean('t')
string(1e0)
char_length('abc')
sinh(0)
tan(0)
acos(2)
asin(null)
exp(0)
expm1(0)
null and true
not null
null || 'a'
null + 1
null like 'a'
array_max(array(null))
2.0D in (2, 3.0)
'1' in (1, 2.0)
cast(1.5 as string) || 1.50
'10' < '9'
10 < '9'
'10' < 9.5
1.5 = '1.50'
date '2024-01-02' in ('2024-01-02')
timestamp '2024-01-02 00:00:00' in ('2024-01-02 00:00:00')
coalesce(date '2024-01-02', 'x')
coalesce(1, true)
least('b', null, 'a')
greatest(1Y, 2L)
greatest(1.25, 1.5D)
nullif(1.5, 2) + 1
if(true, 1, 2.5)
if(false, 'a', 1.5)
mod(7.5, 2)
-1.5 % 1
1.5 div 0.4
2L div 3
cast(-7 as bigint) % 3
1Y + 1Y
100Y + 100Y
1S * 1L
1 / 3 * 3 = 1
0.1D + 0.2D = 0.3D
0.1 + 0.2 = 0.3
cast('0.1' as float) = cast('0.1' as double)
'abc' > 1
'2' * '3'
-'abc'
abs('x')
abs(null)
size(map_keys(null))
substring(12345, 2, 3)
length(true)
upper(1.50)
round(null)
round(15, -1)
round(1.5F)
floor(null)
floor('1.5')
ceil(2)
sqrt(null)
power(2, '3')
log('8')
log(true)
isnan(1)
isnan('x')
isnull(null)
not 'true'
if('true', 1, 2)
case when 'true' then 1 end
1 between 1 and null
null between 1 and 2
3 not between 1 and null
1 not in (2, null)
1 <=> '1'
true <=> 1
'a' <=> null
1 is not distinct from 1.0
cast(cast('2024-01-02' as date) as timestamp)
cast(cast('2024-01-02 03:04:05' as timestamp) as string)
date '2024-01-02' = timestamp '2024-01-02 00:00:00'
date('2024-01-02') > '2024-01-01x'
'2024-01-02' < date '2024-01-03'
year(20240102)
month('2024-13-01')
array(1, 2) = array(1, 2)
array_contains(array(1.5, 2), 2)
array_contains(array('1'), 1)
array_contains(null, 1)
element_at(array('a'), '1')
array(1, true)
array(1, 2.5)[1]
array(null, 1)[0]
instr(123, 2)
replace(1.5, '.', ',')
concat(date '2024-01-02', 'x')
contains(12, 1)
'a' like 'A'
'%' like '\%'
'\' like '\\'
'abc' like '%%c'
'' like ''
'ab' rlike ''
'a.c' rlike 'a\.c'
'x' rlike '\Qx\E'
'ab' rlike '(a)(?:b)'
1 = 1 and 2 = 2 or false
true or null
false or null
false and null
not (null or true)
(1 = 1) = true
1 < 2 < 3
1 + 1 = 2 = true
- 2 + 3
-2 % 3
2 * -3
~1 + 1
1 + 2 << 1
1 | 2 & 2
6 ^ 3 & 1
1 = 1 | 0
'a' || 'b' = 'ab'
!false or false
not 1 in (2)
not 1 between 2 and 3
not null is null
""".strip().split("\n") if line]
