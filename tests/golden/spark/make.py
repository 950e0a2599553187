#!/usr/bin/env python3
"""Asks Spark which real alerts each condition chooses, and writes answers.json beside this script.

    pip install pyspark numpy pyarrow        # Spark 4, with a Java 17 on the machine
    python make.py <archive folder> [<TNS table>]

The archive folder is the one that holds `science/`; the TNS table is `../catalogs/tns.parquet` from there if not given.
Spark runs with ANSI off and in UTC, as the broker's own does. Each file is read by itself; all get one schema: the
union, NULL where a file lacks a column. The derived columns follow CONTRACT §2.

answers.json holds
  alerts      one line an alert: night, file, candid, objectId, finkclass, tnsclass, in the order of files and rows
  conditions  the alerts for which a condition is true and for which it is false, as ranges of line numbers from 0
              (NULL for the others); or that Spark refuses it
  values      constant expressions: what Spark makes of them, as a string; or that Spark refuses it
"""
import glob
import json
import logging
import math
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True  # conditions.py beside this script

import pyarrow.parquet
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conditions import CONDITIONS, VALUES

EXTRAGALACTIC = """Unknown|Candidate_SN*|SN*_Candidate|SN|Transient|Fail|Fail 504|galaxy|Galaxy|EmG|Seyfert|Seyfert_1|
Seyfert_2|BlueCompG|StarburstG|LSB_G|HII_G|High_z_G|GinPair|GinGroup|BClG|GinCl|PartofG|Compact_Gr_G|IG|PairG|GroupG|
ClG|SuperClG|Void|LINER|Possible_ClG|Possible_SClG|GravLens_Candidate""".replace("\n", "").split("|")


def flag(text):
    """A flag does not hold where an input is NULL."""
    return f"coalesce({text}, false)"


def finkclass():
    names = ", ".join(f"'{name}'" for name in EXTRAGALACTIC)
    extragalactic = f"cdsxmatch IN ({names})"
    base = (f"(snn_snia_vs_nonia > 0.5 OR snn_sn_vs_all > 0.5) AND {extragalactic} "
            "AND candidate.drb > 0.5 AND candidate.classtar > 0.4")
    age = "candidate.jd - candidate.jdstarthist"
    sn = flag(f"{base} AND {age} <= 90 AND candidate.ndethist > 1 AND roid != 3")
    early = flag(f"{base} AND candidate.ndethist <= 20 AND rf_snia_vs_nonia > 0.5")
    kilonova = flag(f"rf_kn_vs_nonkn > 0.5 AND candidate.drb > 0.5 AND candidate.classtar > 0.4 AND {age} < 5 "
                    f"AND candidate.ndethist < 20 AND roid != 3 AND {extragalactic}")
    lens, sso, mpc = flag("mulens > 0"), flag("roid = 2"), flag("roid = 3")
    tracklet = flag("tracklet LIKE 'TRCK\\_%'")
    simbad = flag("cdsxmatch NOT IN ('Unknown', 'Transient') AND cdsxmatch NOT LIKE 'Fail%' "
                  "AND cdsxmatch NOT LIKE 'Galaxy%'")
    several = " + ".join(f"int({one})" for one in (lens, sn, sso, mpc))
    return f"""CASE WHEN {simbad} THEN cdsxmatch
        WHEN {several} > 1 THEN 'Ambiguous'
        WHEN {mpc} THEN 'Solar System MPC'
        WHEN {tracklet} THEN 'Tracklet'
        WHEN {sso} THEN 'Solar System candidate'
        WHEN {kilonova} THEN 'Kilonova candidate'
        WHEN {early} THEN 'Early SN Ia candidate'
        WHEN {sn} THEN 'SN candidate'
        WHEN {lens} THEN 'Microlensing candidate'
        ELSE 'Unknown' END"""


def tnsclass(sources, ra, dec):
    """The class of the nearest source within 1.5 arcseconds."""
    nearest, best = "Unknown", 1.5
    for source in sources:
        d_ra, d_dec = (math.radians(a - b) / 2 for a, b in ((source["ra"], ra), (source["declination"], dec)))
        cosines = math.cos(math.radians(dec)) * math.cos(math.radians(source["declination"]))
        haversine = math.sin(d_dec) ** 2 + cosines * math.sin(d_ra) ** 2
        distance = math.degrees(2 * math.asin(min(1.0, math.sqrt(haversine)))) * 3600
        if distance <= best:
            nearest, best = "(TNS) " + source["type"].removeprefix("(TNS) "), distance
    return nearest


def load(spark, archive, table, scratch):
    """All alerts as one table, in the order of files and rows, with the derived columns."""
    files = sorted(glob.glob(os.path.join(archive, "science", "**", "*.parquet"), recursive=True))

    whole = None
    for number, path in enumerate(files):
        year, month, day = re.search(r"year=(\d+)/month=(\d+)/day=(\d+)", path).groups()
        one = spark.read.parquet(path).drop("year", "month", "day")
        one = (one.withColumn("year", F.lit(int(year))).withColumn("month", F.lit(int(month)))
               .withColumn("day", F.lit(int(day))).withColumn("__file", F.lit(number))
               .withColumn("__row", F.monotonically_increasing_id()))
        whole = one if whole is None else whole.unionByName(one, allowMissingColumns=True)
    for column in EXPECTED:
        if column not in whole.columns:
            whole = whole.withColumn(column, F.lit(None).cast(EXPECTED[column]))
    sources = pyarrow.parquet.read_table(table, columns=["ra", "declination", "type"]).to_pylist()
    nearest = F.udf(lambda ra, dec: tnsclass(sources, ra, dec), "string")
    whole = (whole.withColumn("finkclass", F.expr(finkclass()))
             .withColumn("tnsclass", nearest("candidate.ra", "candidate.dec")))
    keys = whole.select("__file", "__row").collect()
    order = sorted((row["__file"], row["__row"]) for row in keys)
    index = spark.createDataFrame([(f, r, i) for i, (f, r) in enumerate(order)], "__file int, __row bigint, __i int")
    # Written and read back, so that Spark does not plan a union of all files for each condition.
    folder = os.path.join(scratch, "alerts")
    whole.join(F.broadcast(index), ["__file", "__row"]).drop("__row").coalesce(1).write.parquet(folder)
    return files, spark.read.parquet(folder).cache()


# The rule needs them, whether or not a file has them.
EXPECTED = {"cdsxmatch": "string", "roid": "int", "mulens": "double", "tracklet": "string",
            "snn_snia_vs_nonia": "double", "snn_sn_vs_all": "double", "rf_snia_vs_nonia": "double",
            "rf_kn_vs_nonkn": "double"}


def ranges(numbers):
    """[0, 1, 2, 5] as "0-2,5"."""
    parts = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def ask(alerts, condition):
    """The alerts for which all parts are true, and those for which the first that is not true is false."""
    try:
        true, false = alerts, None
        parts = [condition] if isinstance(condition, str) else condition
        for part in parts:
            true = true.filter(part)
        chosen = [row[0] for row in true.select("__i").collect()]
        answer = {"true": ranges(chosen)}
        if len(parts) == 1:
            false = alerts.filter(f"NOT ({parts[0]})")
            answer["false"] = ranges(row[0] for row in false.select("__i").collect())
        return answer
    except Exception as refusal:  # Spark's own exceptions have no common base
        return {"error": str(refusal).strip().split("\n")[0][:100]}


def value(spark, expression):
    try:
        frame = spark.sql(f"SELECT string(x) AS s, x FROM (SELECT {expression} AS x)")
        answer = {"type": frame.schema["x"].dataType.simpleString(), "value": frame.collect()[0][0]}
        return answer
    except Exception as refusal:
        return {"error": str(refusal).strip().split("\n")[0][:100]}


def main():
    archive = sys.argv[1]
    table = sys.argv[2] if len(sys.argv) > 2 else os.path.join(archive, "..", "..", "catalogs", "tns.parquet")
    spark = (SparkSession.builder.master("local[1]").appName("answers")
             .config("spark.sql.ansi.enabled", "false").config("spark.sql.session.timeZone", "UTC")
             .config("spark.ui.enabled", "false").config("spark.driver.memory", "3g")
             .config("spark.sql.shuffle.partitions", "1")
             # The statistics of a cached table leave NaN out, and would prune rows that the condition chooses.
             .config("spark.sql.inMemoryColumnarStorage.partitionPruning", "false")
             .config("spark.sql.warehouse.dir", tempfile.gettempdir()).getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as scratch:
        files, alerts = load(spark, archive, table, scratch)
        write(spark, files, alerts)


def write(spark, files, alerts):
    rows = (alerts.select("__i", "__file", "year", "month", "day", "candid", "objectId", "finkclass", "tnsclass")
            .orderBy("__i").collect())
    answers = {"spark": spark.version, "alerts": [], "conditions": [], "values": []}
    for row in rows:
        night = f"{row['year']:04}-{row['month']:02}-{row['day']:02}"
        answers["alerts"].append({
            "night": night, "file": os.path.basename(files[row["__file"]]), "candid": row["candid"],
            "objectId": row["objectId"], "finkclass": row["finkclass"], "tnsclass": row["tnsclass"]})
    for name, condition in CONDITIONS:
        text = condition if isinstance(condition, str) else "; ".join(condition)
        answers["conditions"].append({"name": name, "condition": text} | ask(alerts, condition))
    for expression in VALUES:
        answers["values"].append({"expression": expression} | value(spark, expression))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "answers.json")
    with open(path, "w", encoding="utf-8") as out:
        out.write("{\n" + f' "spark": {json.dumps(answers["spark"])}')
        for part in ("alerts", "conditions", "values"):
            lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in answers[part])
            out.write(f',\n "{part}": [\n{lines}\n ]')
        out.write("\n}\n")
    print(f"{len(rows)} alerts, {len(CONDITIONS)} conditions, {len(VALUES)} values, "
          f"Spark {answers['spark']}: {os.path.getsize(path)} bytes")


main()
