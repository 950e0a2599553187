"""Holds a topic against the archive, with nothing of ours in between, and prints what is wrong as JSON.

The alerts that should be there are read from the nights' Parquet files by pyarrow, those that are there by the field's own
Kafka and Avro libraries.
"""

import argparse
import io
import json
from collections import Counter
from pathlib import Path

import fastavro
import pyarrow.parquet as pq
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

EXAMPLES = 5


def archived(archive, nights):
    """Each candid of the nights: its night and its place in it."""
    found = {}
    for night in nights:
        year, month, day = night.split("-")
        folder = Path(archive) / "science" / f"year={year}" / f"month={month}" / f"day={day}"
        place = 0
        for file in sorted(folder.glob("*.parquet")):
            for candid in pq.ParquetFile(file).read(columns=["candid"])["candid"].to_pylist():
                found[candid] = (night, place)
                place += 1
    return found


def messages(bootstrap, topic):
    """All messages of a topic, partition by partition, up to the end of each."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": "audit",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        # An empty partition is told at once instead of after half a second.
        "fetch.wait.max.ms": 10,
        "isolation.level": "read_committed",
    })
    for partition in sorted(consumer.list_topics(topic, timeout=30).topics[topic].partitions):
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
        while True:
            message = consumer.poll(30)
            if message is None:
                raise SystemExit(f"{topic} [{partition}]: nothing arrived for 30 s")
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    break
                raise SystemExit(f"{topic} [{partition}]: {message.error()}")
            yield message
    consumer.close()


def main():
    """Reads both, compares, prints; exits with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--nights", required=True, help="separated by commas")
    args = parser.parse_args()

    schemas = {message.key() for message in messages(args.bootstrap, f"{args.topic}_schema")}
    assert len(schemas) == 1, f"{len(schemas)} schemas"
    schema = fastavro.parse_schema(json.loads(schemas.pop()))
    expected = archived(args.archive, args.nights.split(","))
    seen = Counter()
    gaps, foreign, disorder = [], [], []
    next_offset, last_place, partition_of = Counter(), {}, {}
    for message in messages(args.bootstrap, args.topic):
        partition, offset = message.partition(), message.offset()
        if offset != next_offset[partition]:
            gaps.append([partition, next_offset[partition], offset])
        next_offset[partition] = offset + 1
        body = io.BytesIO(message.value())
        alert = fastavro.schemaless_reader(body, schema)
        assert not body.read(1), f"{partition}/{offset}: more than one alert"
        candid = alert["candid"]
        seen[candid] += 1
        if candid not in expected:
            foreign.append(candid)
            continue
        night, place = expected[candid]
        if place <= last_place.get((partition, night), -1):
            disorder.append([partition, offset, candid])
        last_place[partition, night] = place
        if partition_of.setdefault(alert["objectId"], partition) != partition:
            disorder.append([partition, offset, candid])
    lost = [candid for candid in expected if candid not in seen]
    doubled = [candid for candid, count in seen.items() if count > 1]
    wrong = {"lost": lost, "doubled": doubled, "foreign": foreign, "gaps": gaps, "disorder": disorder}
    told = {"expected": len(expected), "messages": sum(next_offset.values())}
    told |= {name: len(found) for name, found in wrong.items()}
    told["examples"] = {name: found[:EXAMPLES] for name, found in wrong.items() if found}
    print(json.dumps(told))
    raise SystemExit(1 if told["examples"] else 0)


if __name__ == "__main__":
    main()
