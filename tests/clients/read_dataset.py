"""Reads a downloaded folder as one data set, with pyarrow and with pandas, and prints what it holds."""

import argparse
import json
from collections import Counter
from pathlib import Path

import pandas
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq


def summarize(outdir):
    """Counts rows, alerts and files of a folder, file by file.

    Files that cannot be read (cut short by a kill) are listed, and their rows do not count.
    """
    rows, files, unreadable = 0, 0, []
    partitions, schemas, ids, objects = Counter(), [], Counter(), set()
    for path in sorted(Path(outdir).rglob("*.parquet")):
        try:
            with pq.ParquetFile(path) as file:
                schema = file.schema_arrow
                alerts = file.read(columns=id_columns(schema)).to_pylist()
                names = file.read(columns=["objectId"])
        except (OSError, pa.ArrowInvalid) as error:
            unreadable.append(f"{path.relative_to(outdir)}: {error}")
            continue
        files += 1
        rows += names.num_rows
        partitions[str(path.parent.relative_to(outdir))] += names.num_rows
        ids.update(map(str, alerts))
        if "objectId" in schema.names:
            objects.update(names["objectId"].to_pylist())
        if schema not in schemas:
            schemas.append(schema)
    return {
        "rows": rows,
        "files": files,
        "unreadable": unreadable,
        "id": id_columns(schemas[0]) if schemas else [],
        "alerts": len(ids),
        "duplicates": ids.total() - len(ids),
        "objects": len(objects),
        "partitions": dict(sorted(partitions.items())),
        "schemas": len(schemas),
        "columns": {field.name: str(field.type) for field in schemas[0]} if schemas else {},
    }


def id_columns(schema):
    """The columns that tell alerts apart: candid where there is one, else the object and its time."""
    if "candid" in schema.names:
        return ["candid"]
    return ["objectId", "jd" if "jd" in schema.names else "candidate.jd"]


def main():
    """Prints the summary of a folder, and how pyarrow and pandas see it as one data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", help="folder that a client wrote")
    parser.add_argument("--candids", action="store_true", help="also list every candid")
    args = parser.parse_args()
    outdir = args.outdir

    report = summarize(outdir)
    if args.candids:
        files = sorted(Path(outdir).rglob("*.parquet"))
        columns = [pq.ParquetFile(path).read(columns=["candid"])["candid"] for path in files]
        report["candids"] = [candid for column in columns for candid in column.to_pylist()]
    if report["files"] and not report["unreadable"]:
        dataset = ds.dataset(outdir, format="parquet", partitioning="hive")
        frame = pandas.read_parquet(outdir)
        report["pyarrow"] = {
            "rows": dataset.count_rows(),
            "columns": {field.name: str(field.type) for field in dataset.schema},
        }
        report["pandas"] = {"rows": len(frame), "columns": {name: str(dtype) for name, dtype in frame.dtypes.items()}}
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
