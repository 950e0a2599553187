"""What a topic holds, and whether two topics hold the same alerts."""

import io
import json
import math
from dataclasses import dataclass, field

import fastavro
from confluent_kafka import Consumer, TopicPartition
from xxhash import xxh64_intdigest

from .workloads import PARTITIONS

MODULUS = 1 << 64
PATIENCE = 30
"""Seconds without a message after which a topic is taken to be stuck."""


@dataclass
class Held:
    """What a topic holds."""

    messages: int = 0
    bytes: int = 0
    partitions: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    alerts: int = 0
    """A checksum over the numbers of all alerts, in whatever order."""
    digest: int = 0
    """A checksum over all bytes of all messages, in whatever order."""
    sample: dict[int, bytes] = field(default_factory=dict)
    """Some messages by the number of their alert, the same ones of every topic."""


def until_candid(schema: dict) -> dict:
    """The schema of the first part of a message, up to the alert's number."""
    names = [field["name"] for field in schema["fields"]]
    return schema | {"fields": schema["fields"][: names.index("candid") + 1]}


def held(bootstrap: str, topic: str, schema: dict, sampled: float) -> Held:
    """Reads a whole topic; keeps the messages of a share of its alerts."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap, "group.id": "bench", "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "fetch.message.max.bytes": 8 << 20,
        }
    )  # fmt: skip
    parts = [TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)]
    expected = sum(consumer.get_watermark_offsets(part, timeout=PATIENCE)[1] for part in parts)
    consumer.assign(parts)
    first = fastavro.parse_schema(until_candid(schema))
    found = Held()
    while found.messages < expected:
        batch = consumer.consume(5_000, PATIENCE)
        if not batch:
            raise SystemExit(f"{topic}: only {found.messages} of {expected} messages can be read")
        for message in batch:
            if message.error():
                raise SystemExit(f"{topic}: {message.error()}")
            take(found, message.partition(), message.value(), first, sampled)
    consumer.close()
    return found


def take(found: Held, partition: int, message: bytes, first: dict, sampled: float) -> None:
    """Counts a message."""
    candid = fastavro.schemaless_reader(io.BytesIO(message), first, None)["candid"]
    mark = xxh64_intdigest(candid.to_bytes(8, "big", signed=True))
    found.messages += 1
    found.bytes += len(message)
    found.partitions[partition] += 1
    found.alerts = (found.alerts + mark) % MODULUS
    found.digest = (found.digest + xxh64_intdigest(message)) % MODULUS
    if mark < sampled * MODULUS:
        found.sample[candid] = message


def same(one: object, other: object) -> bool:
    """Whether two values are the same; NaN is itself."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@dataclass
class Verdict:
    """How two topics compare."""

    differences: list[str]
    """None if they hold the same."""
    identical: bool
    """Whether all messages are the same byte by byte."""
    compared: int
    """How many alerts were decoded and compared value by value."""


def compare(ours: Held, theirs: Held, schema: dict, exact: bool) -> Verdict:
    """Compares two topics: numbers and checksums over all, values of the sample; `exact` also partitions and bytes."""
    differences = []
    for what in ["messages", "alerts", *(["partitions", "bytes", "digest"] if exact else [])]:
        if getattr(ours, what) != getattr(theirs, what):
            differences.append(f"{what}: {getattr(ours, what)} and {getattr(theirs, what)}")
    parsed = fastavro.parse_schema(schema)
    compared = 0
    for candid, message in ours.sample.items():
        if candid not in theirs.sample:
            differences.append(f"alert {candid} is missing")
            continue
        one, other = (
            fastavro.schemaless_reader(io.BytesIO(bytes_), parsed, None) for bytes_ in (message, theirs.sample[candid])
        )
        compared += 1
        for name in one:
            if not same(one[name], other[name]):
                differences.append(f"alert {candid}, {name}: {short(one[name])} and {short(other[name])}")
    return Verdict(differences, ours.digest == theirs.digest and ours.bytes == theirs.bytes, compared)


def short(value: object) -> str:
    """A value, not too long for a line."""
    text = json.dumps(value, default=repr)
    return text if len(text) < 200 else f"{text[:200]}…"
