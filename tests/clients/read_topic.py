"""Reads a whole topic with the schema from `<topic>_schema`, and prints what it holds as JSON."""

import argparse
import io
import json
import time
from collections import Counter

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from alert_json import write_lines

TIMESTAMPS = {0: "none", 1: "create", 2: "append"}


def ends(consumer, topic):
    """The end offset of each partition of a topic."""
    metadata = consumer.list_topics(topic, timeout=10).topics[topic]
    if metadata.error:
        raise SystemExit(f"{topic}: {metadata.error}")
    partitions = [TopicPartition(topic, partition) for partition in sorted(metadata.partitions)]
    return {p.partition: consumer.get_watermark_offsets(p, timeout=10)[1] for p in partitions}


def read(consumer, topic, deadline):
    """Yields all messages of a topic, partition by partition, up to the end of each."""
    for partition in ends(consumer, topic):
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
        while True:
            if time.monotonic() > deadline:
                raise SystemExit(f"{topic} [{partition}]: the end was not reached in time")
            message = consumer.poll(0.5)
            if message is None:
                continue
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    break
                raise SystemExit(f"{topic} [{partition}]: {message.error()}")
            yield message


def read_schemas(consumer, topic, deadline):
    """The distinct schemas in the keys of the schema topic, and how many copies each partition holds."""
    schemas, copies = [], Counter()
    for message in read(consumer, f"{topic}_schema", deadline):
        copies[message.partition()] += 1
        if message.key() not in schemas:
            schemas.append(message.key())
    return schemas, copies


def committed(bootstrap, topic, group):
    """The offsets a reader's group has committed, by partition; null where it has none."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    offsets = consumer.committed([TopicPartition(topic, partition) for partition in sorted(partitions)], timeout=10)
    consumer.close()
    return {str(p.partition): p.offset if p.offset >= 0 else None for p in offsets}


def main():
    """Reads, decodes and counts; exits with 1 if any message is not one whole alert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="broker, HOST:PORT")
    parser.add_argument("--topic", required=True, help="data topic; its schema topic is <topic>_schema")
    parser.add_argument("--dump", help="write the alerts to this file, one JSON object a line")
    parser.add_argument("--group", help="also report the offsets this group has committed")
    parser.add_argument("--deadline", type=float, default=60, help="seconds for the whole reading (default 60)")
    args = parser.parse_args()

    deadline = time.monotonic() + args.deadline
    consumer = Consumer({
        "bootstrap.servers": args.bootstrap,
        "group.id": "read-topic",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        # An empty partition is told at once instead of after half a second.
        "fetch.wait.max.ms": 10,
    })
    schemas, copies = read_schemas(consumer, args.topic, deadline)
    if not schemas:
        raise SystemExit(f"{args.topic}_schema is empty")
    schema = fastavro.parse_schema(json.loads(schemas[0]))

    offsets, alerts, undecoded, timestamps = {}, [], [], Counter()
    for message in read(consumer, args.topic, deadline):
        offsets.setdefault(message.partition(), []).append(message.offset())
        timestamps[TIMESTAMPS[message.timestamp()[0]]] += 1
        value = io.BytesIO(message.value() or b"")
        try:
            alert = fastavro.schemaless_reader(value, schema)
        except Exception as error:  # fastavro raises whatever the bytes provoke
            undecoded.append(f"[{message.partition()}] {message.offset()}: {error!r}")
            continue
        if value.read():
            undecoded.append(f"[{message.partition()}] {message.offset()}: bytes after the alert")
        alerts.append(alert)
    high = ends(consumer, args.topic)
    consumer.close()

    if args.dump:
        write_lines(args.dump, alerts)
    report = {
        "messages": sum(map(len, offsets.values())),
        "decoded": len(alerts),
        "undecoded": undecoded,
        "timestamps": dict(timestamps),
        "partitions": {
            str(partition): {
                "messages": len(seen),
                "first": seen[0] if seen else None,
                "last": seen[-1] if seen else None,
                "end": end,
                "dense": seen == list(range(end)),
            }
            for partition, end in high.items()
            for seen in [offsets.get(partition, [])]
        },
        "schema": {
            "distinct": len(schemas),
            "copies": {str(partition): count for partition, count in sorted(copies.items())},
            "name": schema["name"],
            "fields": [field["name"] for field in schema["fields"]],
        },
    }
    if args.group:
        report["committed"] = committed(args.bootstrap, args.topic, args.group)
    print(json.dumps(report, indent=2))
    raise SystemExit(1 if undecoded else 0)


if __name__ == "__main__":
    main()
