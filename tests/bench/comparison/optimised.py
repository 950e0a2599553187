"""Measures what `nightferry optimize` gains: the same jobs over a night as it was and as it was rewritten.

    tests/bench/optimize               # three rounds, a quarter of an hour
    tests/bench/optimize --quick       # nights of a tenth, one round: to see that it works

Rewrites the nights that `tests/bench/speed` measures with, tells what that took, and does three of its jobs and a
look-up of a hundred objects by turns over both, each by one worker of nightferry into librdkafka's mock broker. Both
must read, keep and send the same number of alerts and of bytes, else it ends with exit code 1. CPU seconds are the
worker's own, by all its threads; files are in memory. Bytes are those fetched of row groups and Bloom filters.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from . import brokers, runners
from .__main__ import build
from .nights import night
from .runners import CACHE, Place
from .said import say
from .workloads import WORKLOADS, Workload

OBJECTS = 100
JOBS = ["E1", "E2", "E3"]
COUNTED = ["read", "kept", "sent", "bytes_sent"]


def given() -> argparse.Namespace:
    """The arguments."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("optimize", description=__doc__, formatter_class=form)
    parser.add_argument("--quick", action="store_true", help="a tenth of the alerts, one round")
    parser.add_argument("--rounds", type=int, help="runs of each (default 3; 1 with --quick)")
    parser.add_argument("--built", type=Path, help="folder of the programs, if they are not to be built")
    args = parser.parse_args()
    args.rounds = args.rounds or (1 if args.quick else 3)
    return args


def files(archive: Path) -> list[Path]:
    """The files of an archive of one night."""
    return sorted((archive / "science").rglob("*.parquet"))


def look_up(archive: Path) -> Workload:
    """Objects from all over the night, by their names."""
    tables = [pq.read_table(file, columns=["objectId"]) for file in files(archive)]
    names = sorted({name for table in tables for name in table["objectId"].to_pylist()})
    chosen = ", ".join(f"'{name}'" for name in names[:: len(names) // OBJECTS][:OBJECTS])
    like = next(work for work in WORKLOADS if work.name == "E1")
    return replace(like, name=f"look up {OBJECTS} objects", condition=f"objectId IN ({chosen})")


def optimised(binaries: Path, archive: Path, folder: Path) -> tuple[Path, str]:
    """The same archive rewritten, and what that took."""
    target = folder / f"{archive.name}-optimised"
    command = [binaries / "nightferry", "optimize", "--archive", archive, "--to", target, "--scratch", folder]
    begun = time.monotonic()
    subprocess.run([*map(str, command), "--json"], check=True, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - begun
    before, after = (sum(file.stat().st_size for file in files(of)) for of in (archive, target))
    groups = sum(pq.ParquetFile(file).metadata.num_row_groups for file in files(target))
    return target, f"{archive.name} | {before / 1e6:,.0f} MB | {after / 1e6:,.0f} MB | {groups} | {wall:.1f} s"


def once(binaries: Path, archive: Path, workload: Workload, source: str, folder: Path) -> dict:
    """One worker over one of them."""
    place = Place(binaries, archive, folder, source)
    mine = place.fresh("run")
    job = runners.prepare(place, workload, mine, source)
    with brokers.mock(binaries, job["topic"]) as bootstrap:
        return runners.work(place, mine, bootstrap, job["job"])


def line(name: str, plain: list[dict], fast: list[dict]) -> str:
    """A row of the table: medians."""

    def of(runs: list[dict], key: str) -> float:
        return statistics.median(run[key] for run in runs)

    cells = [name, f"{plain[0]['sent']:,} of {plain[0]['read']:,}"]
    for key, scale, unit in (("cpu_seconds", 1, "s"), ("wall_seconds", 1, "s"), ("bytes_read", 1e-6, "MB")):
        before, after = of(plain, key) * scale, of(fast, key) * scale
        ratio = before / after if after else float("inf")
        cells.append(f"{before:,.2f} → {after:,.2f} {unit} ({ratio:.1f})")
    return " | ".join(cells)


def main() -> int:
    """Measures."""
    args = given()
    binaries = args.built or build()
    wrong, table, rewriting = 0, [], []
    with (
        tempfile.TemporaryDirectory(prefix="optimise-", dir=CACHE) as folder,
        brokers.embedded(binaries, Path(folder) / "source") as source,
    ):
        runs_folder = Path(folder) / "runs"
        runs_folder.mkdir()
        archives = {}
        for name in ("L", "C"):
            plain = night(name, 10 if args.quick else 1, binaries / "nightferry", CACHE / "nights")
            say(f"{plain.name} is rewritten …")
            target, took = optimised(binaries, plain, Path(folder))
            rewriting.append(took)
            archives[name] = [plain, target]
        works = [work for work in WORKLOADS if work.name in JOBS] + [look_up(archives["L"][0])]
        for work in works:
            runs: list[list[dict]] = [[], []]
            for _ in range(args.rounds + 1):
                for mine, archive in zip(runs, archives[work.night], strict=True):
                    mine.append(once(binaries, archive, work, source, runs_folder))
            # The first turn brings the files into memory.
            plain, fast = (mine[1:] for mine in runs)
            if any(run[key] != plain[0][key] for run in plain + fast for key in COUNTED):
                say(f"{work.name}: the runs differ in what they read, kept or sent")
                wrong += 1
            table.append(line(work.name, plain, fast))
            say(table[-1])
    print("night | before | now | row groups | time\n--|--|--|--|--\n" + "\n".join(rewriting) + "\n")
    print("job | alerts | CPU | wall | fetched\n--|--|--|--|--\n" + "\n".join(table))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
