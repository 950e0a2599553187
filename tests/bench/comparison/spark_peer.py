"""The same work by Spark, on one thread: spark-avro's `to_avro` and Spark's own Kafka sink.

A program of its own: `python -m comparison.spark_peer ARGUMENTS`, where the arguments are one JSON object. Starts a
session, does the job into a first topic and, warm now, into a second. Prints one JSON object, for each the figures.
"""

import json
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import to_avro

from . import columns
from .usage import usage
from .workloads import PARTITIONS, Workload

FINKCLASS = columns.FINKCLASS.replace("starts_with(", "startswith(").replace('"', "`")


def session(jars: str) -> SparkSession:
    """A session with what writes Avro and reaches Kafka. NULL where ANSI would fail, as the field's own runs."""
    settings = {
        "spark.jars": jars, "spark.ui.enabled": "false", "spark.driver.memory": "4g", "spark.sql.ansi.enabled": "false",
        "spark.sql.session.timeZone": "UTC", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.showConsoleProgress": "false",
    }  # fmt: skip
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    started = builder.getOrCreate()
    started.sparkContext.setLogLevel("ERROR")
    return started


def job(spark: SparkSession, workload: Workload, archive: str, bootstrap: str, topic: str, schema: dict) -> None:
    """The job, until all is acknowledged."""
    alerts = spark.read.parquet(f"{archive}/science")
    chosen = columns.selected(schema, dict(alerts.dtypes), "`", FINKCLASS)
    messages = alerts.where(columns.condition(workload, FINKCLASS)).select(
        to_avro(F.struct(*map(F.expr, chosen)), json.dumps(schema)).alias("value"),
        # As long as nightferry's keys, and spread as evenly; other partitions, as Spark's hash has a seed of its own.
        F.expr("unhex(lpad(hex(monotonically_increasing_id()), 24, '0'))").alias("key"),
        F.expr(f"CAST(pmod(xxhash64(objectId), {PARTITIONS}) AS INT)").alias("partition"),
    )
    options = {
        "bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": "true", "linger.ms": "20",
        "compression.type": workload.compression, "batch.size": "1000000", "max.request.size": "10485760",
        "buffer.memory": "67108864",
    }  # fmt: skip
    writer = messages.write.format("kafka").option("topic", topic)
    for name, value in options.items():
        writer = writer.option(f"kafka.{name}", value)
    writer.save()


def run(workload: Workload, archive: str, bootstrap: str, topics: list[str], schema: dict, jars: str) -> list[dict]:
    """The figures of the job into each topic."""
    spark = session(jars)
    java = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    figures = []
    for topic in topics:
        begun, before = time.monotonic(), usage(java)
        job(spark, workload, archive, bootstrap, topic, schema)
        wall, after = time.monotonic() - begun, usage(java)
        cpu = after.cpu_seconds - before.cpu_seconds
        figures.append({"wall_seconds": wall, "cpu_seconds": cpu, "peak_bytes": after.peak_bytes})
    spark.stop()
    return figures


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    given["workload"] = Workload(**given["workload"])
    print(json.dumps(run(**given)))
