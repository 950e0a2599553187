"""The same work in Python, by the libraries that one would take: DuckDB, fastavro, confluent-kafka. One thread.

A program of its own, so that its memory is its own: `python -m comparison.duckdb_peer ARGUMENTS`, where the arguments
are one JSON object. Prints one.
"""

import io
import json
import struct
import sys
import time

import duckdb
import fastavro
from confluent_kafka import Producer
from xxhash import xxh64_intdigest

from . import columns
from .brokers import TOPIC
from .usage import usage
from .workloads import PARTITIONS, Workload

ROWS = 1024
"""Rows that are taken from DuckDB at once."""


def query(duck: duckdb.DuckDBPyConnection, workload: Workload, archive: str, schema: dict) -> str:
    """The job as SQL."""
    source = f"read_parquet('{archive}/science/*/*/*/*.parquet', hive_partitioning = false)"
    stored = {name: kind for name, kind, *_ in duck.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    chosen = ", ".join(columns.selected(schema, stored, '"', columns.FINKCLASS))
    return f"SELECT {chosen} FROM {source} WHERE {columns.condition(workload, columns.FINKCLASS)}"


def nulls(record: dict) -> dict:
    """A record of nulls: in the field's style records are not nullable."""
    return {
        field["name"]: nulls(field["type"]) if isinstance(field["type"], dict) else None for field in record["fields"]
    }


class Sender:
    """A producer with the settings of nightferry's."""

    def __init__(self, bootstrap: str, compression: str) -> None:
        """Connects."""
        self.failures: list[str] = []
        self.sequences = [0] * PARTITIONS
        self.bytes = 0
        self.producer = Producer(
            {
                "bootstrap.servers": bootstrap, "enable.idempotence": True, "enable.gapless.guarantee": True,
                "acks": "all", "compression.type": compression, "linger.ms": 20, "batch.size": 1_000_000,
                "batch.num.messages": 10_000, "message.max.bytes": 10_485_760, "queue.buffering.max.kbytes": 65_536,
                "queue.buffering.max.messages": 500_000, "message.timeout.ms": 60_000,
                "on_delivery": lambda error, _: error and self.failures.append(str(error)),
            }
        )  # fmt: skip

    def send(self, object_id: str | None, message: bytes) -> None:
        """Hands a message over, to the partition and with the key that nightferry gives it."""
        partition = xxh64_intdigest((object_id or "").encode()) % PARTITIONS
        key = struct.pack(">IQ", 0, self.sequences[partition])
        self.sequences[partition] += 1
        self.bytes += len(message)
        while True:
            try:
                self.producer.produce(TOPIC, message, key, partition)
                return
            except BufferError:
                self.producer.poll(0.01)

    def finish(self) -> int:
        """Waits for the last acknowledgement; returns how many messages there were."""
        if self.producer.flush(120) or self.failures:
            raise SystemExit(f"not all messages arrived: {self.failures[:3]}")
        return sum(self.sequences)


def run(workload: Workload, archive: str, bootstrap: str, schema: dict) -> dict:
    """Does the work."""
    parsed = fastavro.parse_schema(schema)
    names = [field["name"] for field in schema["fields"]]
    hollow = {field["name"]: nulls(field["type"]) for field in schema["fields"] if isinstance(field["type"], dict)}
    duck = duckdb.connect()
    duck.execute("SET threads = 1")
    begun, before = time.monotonic(), usage()
    sender = Sender(bootstrap, workload.compression)
    found = duck.execute(query(duck, workload, archive, schema))
    buffer = io.BytesIO()
    while rows := found.fetchmany(ROWS):
        for row in rows:
            alert = dict(zip(names, row, strict=True))
            for name, record in hollow.items():
                if alert[name] is None:
                    alert[name] = record
            buffer.seek(0)
            buffer.truncate()
            fastavro.schemaless_writer(buffer, parsed, alert)
            sender.send(alert["objectId"], buffer.getvalue())
        sender.producer.poll(0)
    sent = sender.finish()
    wall, after = time.monotonic() - begun, usage()
    return {
        "wall_seconds": wall,
        "cpu_seconds": after.cpu_seconds - before.cpu_seconds,
        "peak_bytes": after.peak_bytes,
        "sent": sent,
        "bytes_sent": sender.bytes,
    }


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    given["workload"] = Workload(**given["workload"])
    print(json.dumps(run(**given)))
