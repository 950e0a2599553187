"""Turns the golden Avro file into JSON lines, the form of `read_topic.py --dump`, and prints its field names."""

import argparse

import fastavro

from alert_json import write_lines


def main():
    """Prints the names of the fields in the order of the schema, one a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("avro", help="Avro container file")
    parser.add_argument("--dump", help="write the alerts to this file, one JSON object a line")
    args = parser.parse_args()

    with open(args.avro, "rb") as file:
        reader = fastavro.reader(file)
        fields = [field["name"] for field in reader.writer_schema["fields"]]
        if args.dump:
            write_lines(args.dump, reader)
    print("\n".join(fields))


if __name__ == "__main__":
    main()
