"""Reads a folder of Avro files with fastavro, the field's own library, and prints what it holds as one JSON object."""

import argparse
import json
from collections import Counter
from pathlib import Path

import fastavro


def main():
    """Counts alerts, folders and codecs; every alert is decoded whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", help="folder of Avro files, at any depth")
    args = parser.parse_args()

    candids, folders, codecs, schemas, files = [], Counter(), Counter(), [], 0
    for path in sorted(Path(args.outdir).rglob("*.avro")):
        files += 1
        with open(path, "rb") as file:
            reader = fastavro.reader(file)
            codecs[reader.codec] += 1
            # As it is in the file: fastavro's own form of it has no place for what it does not know.
            text = reader.metadata["avro.schema"]
            if text not in schemas:
                schemas.append(text)
            for alert in reader:
                candids.append(alert["candid"])
                folders[str(path.parent.relative_to(args.outdir))] += 1
    print(
        json.dumps(
            {
                "rows": len(candids),
                "duplicates": len(candids) - len(set(candids)),
                "files": files,
                "folders": dict(sorted(folders.items())),
                "codecs": codecs,
                "schemas": [json.loads(text) for text in schemas],
                "candids": sorted(candids),
            }
        )
    )


if __name__ == "__main__":
    main()
