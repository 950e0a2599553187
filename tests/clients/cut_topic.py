"""Deletes the first messages of a partition, as the end of their retention does, or a whole topic."""

import argparse

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient


def main():
    """Asks the broker and waits for its answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="broker, HOST:PORT")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partition", type=int, help="the partition; the whole topic unless given")
    parser.add_argument("--before", type=int, help="the first offset that stays")
    args = parser.parse_args()

    admin = AdminClient({"bootstrap.servers": args.bootstrap})
    if args.partition is None:
        answers = admin.delete_topics([args.topic])
    else:
        answers = admin.delete_records([TopicPartition(args.topic, args.partition, args.before)])
    for answer in answers.values():
        answer.result(timeout=30)


if __name__ == "__main__":
    main()
