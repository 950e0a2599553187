"""Runs the plain program: DataFusion's SQL, arrow-avro and rdkafka."""

import json
import subprocess
from pathlib import Path

import duckdb

from . import brokers, columns
from .brokers import TOPIC
from .runners import CACHE, DISK, Place, Run, at, look, program
from .workloads import PARTITIONS, Workload

HERE = Path(__file__).resolve().parent
MOMENT = "rtrim(rtrim(to_char({}, '%Y-%m-%d %H:%M:%S%.6f'), '0'), '.')"
"""A timestamp as the messages have it."""


def plain(place: Place, workload: Workload, target: str, wanted: bool) -> Run:
    """DataFusion's SQL, arrow-avro and rdkafka."""
    with at(place, target, "plain") as bootstrap:
        if target == DISK:
            brokers.make_topic(bootstrap)
        files = sorted(place.archive.rglob("*.parquet"))
        described = duckdb.execute(f"DESCRIBE SELECT * FROM read_parquet('{files[0]}')").fetchall()
        stored = {name: kind for name, kind, *_ in described}
        chosen = ", ".join(columns.selected(place.schema, stored, '"', columns.FINKCLASS, MOMENT))
        query = f"SELECT {chosen} FROM alerts WHERE {columns.condition(workload, columns.FINKCLASS)}"
        given = {"archive": str(files[0].parent), "query": query, "schema": json.dumps(place.schema)}
        given |= {"bootstrap": bootstrap, "topic": TOPIC, "partitions": PARTITIONS, "compression": workload.compression}
        figures = program([CACHE / "plain/release/plain", json.dumps(given)])
        return Run(figures, look(place, workload, bootstrap, TOPIC, wanted and target == DISK))


def build_plain() -> None:
    """Compiles it; the first time takes some 20 minutes of a core."""
    command = ["cargo", "build", "--release", "--quiet", "--locked", "--target-dir", CACHE / "plain"]
    subprocess.run(["nice", *map(str, command)], cwd=HERE / "plain", check=True)
