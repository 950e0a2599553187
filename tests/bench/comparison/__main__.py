"""Measures one worker of nightferry beside its peers: the same alerts, the same messages, one thread each.

    tests/bench/speed                          # all, an hour and a half with Spark and DuckDB on all alerts
    tests/bench/speed --quick                  # nights of a tenth: to see that it works
    tests/bench/speed --only E1,E3 --peers duckdb --rounds 1

Makes the nights (kept under ~/.cache/nightferry/bench), builds the programs, and does each job by turns: nightferry's
worker by the code that runs on AWS, DuckDB with fastavro and confluent-kafka, PySpark (it needs Java 17, and Maven for
its jars), the same work in Rust as one would write it first (DataFusion, arrow-avro and rdkafka, which take a core some
20 minutes to compile), and for the limit nightferry's publisher with ready-made messages. Each sends into librdkafka's mock broker,
which keeps nothing, and into the embedded broker, which keeps all (idempotent, acks=all), Spark into the second only;
the brokers are processes of their own and not counted. Files are in memory, whoever reads them.

What arrives is read back by confluent-kafka and fastavro and compared with what nightferry sent: how many alerts,
which ones, in which partitions, all bytes by a checksum, and some thousand alerts value by value. A difference ends it
with exit code 1.

Clocks run while the work is done, not while interpreters start; nightferry's worker has its producer ready, as it has
when a task comes. CPU seconds are the worker's own, by all its threads: other load on the machine moves them much less
than the wall clock, and so ratios are told by both. Memory is that of the whole process, at its peak.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from . import brokers, report, runners
from .equality import compare
from .nights import night
from .plain_peer import build_plain, plain
from .runners import CACHE, DISK, MOCK, Place, Run
from .said import say
from .workloads import WORKLOADS, Workload

ROOT = Path(__file__).resolve().parents[3]
PEERS = {"duckdb": runners.duckdb, "plain": plain, "spark": runners.spark}
THROTTLED = ["E1", "E2", "E4", "medium"]
"""The workloads that are also read from a slow store."""
LIMITED = ["E3", "E4"]
"""The workloads whose limit is measured as well."""
SHORT_SECONDS, SHORT_RUNS = 6.0, 5
"""What takes less than that varies more: a round has five of it."""


def given() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser("speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the alerts, one round")
    parser.add_argument("--only", type=names, help=f"of {','.join(work.name for work in WORKLOADS)} (default all)")
    parser.add_argument("--peers", type=names, default=list(PEERS), help=f"of {','.join(PEERS)}, or none (default all)")
    parser.add_argument("--rounds", type=int, help="runs of each (default 3; 1 with --quick)")
    parser.add_argument("--targets", type=names, default=[MOCK, DISK], help=f"of {MOCK},{DISK} (default both)")
    parser.add_argument("--built", type=Path, help="folder of the programs, if they are not to be built")
    parser.add_argument("--out", type=Path, default=ROOT / "target/speed", help="folder of table, plot and figures")
    args = parser.parse_args()
    args.rounds = args.rounds or (1 if args.quick else 3)
    args.peers = [name for name in args.peers if name != "none"]
    for what, known in (("peers", list(PEERS)), ("targets", [MOCK, DISK])):
        if unknown := set(getattr(args, what)) - set(known):
            parser.error(f"--{what}: no {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = {name.lower() for name in args.only or []}
    if unknown := wanted - {work.name.lower() for work in WORKLOADS}:
        parser.error(f"--only: no {', '.join(unknown)}")
    args.workloads = [work for work in WORKLOADS if not wanted or work.name.lower() in wanted]
    return args


def names(text: str) -> list[str]:
    """A list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def build() -> Path:
    """The programs of this tree. Nothing is compiled if they are there already."""
    subprocess.run(["cargo", "build", "--release", "--quiet", "--workspace"], cwd=ROOT, check=True)
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    return Path(metadata["target_directory"]) / "release"


def ways(workload: Workload, peers: list[str]) -> dict:
    """Who does it."""
    chosen = {"nightferry": runners.ours}
    if workload.raced:
        chosen |= {name: PEERS[name] for name in peers}
    if workload.name in THROTTLED:
        chosen["throttled"] = runners.throttled
    if workload.name in LIMITED:
        chosen["limit"] = runners.ready_made
    return chosen


def measured(place: Place, workload: Workload, args: argparse.Namespace) -> tuple[list[dict], list[dict]]:
    """The figures of all runs of a workload, and how topics compared."""
    runners.reference(place, workload)
    runs, verdicts = [], []
    order = list(ways(workload, args.peers).items())
    for number in range(args.rounds):
        took: dict[tuple[str, str], float] = {}
        # By turns, so that the peers of a run are never far from it: the machine's speed changes.
        for turn in range(SHORT_RUNS):
            for name, run in order:
                targets = [target for target in args.targets if took.get((name, target), 0) < SHORT_SECONDS]
                # One comparison of each is enough: the work is the same every time.
                wanted = number == turn == 0
                for who, target, load, done in turn_of(name, run, place, workload, wanted, targets):
                    took[name, target] = done.figures["wall_seconds"]
                    runs.append({"work": workload.name, "who": who, "target": target, "load": load, **done.figures})
                    say(report.line(runs[-1]))
                    if done.held:
                        verdict = compare(place.reference, done.held, place.schema, exact=name != "spark")
                        verdicts.append({"work": workload.name, "who": who, **vars(verdict)})
                        say(report.verdict(verdicts[-1]))
        order = order[1:] + order[:1]
    return runs, verdicts


def turn_of(
    name: str, run: Callable[..., Run], place: Place, workload: Workload, wanted: bool, targets: list[str]
) -> Iterator[tuple[str, str, float, Run]]:
    """One way into each target, with the machine's load before: a session of Spark has two runs, both into the disk's."""
    load = os.getloadavg()[0]
    if name != "spark":
        for target in targets:
            yield name, target, load, run(place, workload, target, wanted)
    elif DISK in targets:
        for who, done in zip(["spark-first", "spark"], run(place, workload, wanted), strict=True):
            yield who, DISK, load, done


def main() -> int:
    """Measures."""
    args = given()
    # Whoever ends the measurement ends the brokers as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    binaries = args.built or build()
    if "plain" in args.peers:
        build_plain()
    runs, verdicts = [], []
    for workload in args.workloads:
        archive = night(workload.night, 10 if args.quick else 1, binaries / "nightferry", CACHE / "nights")
        say(f"{workload.name}: {workload.what}")
        with (
            tempfile.TemporaryDirectory(prefix="nightferry-speed-") as folder,
            brokers.embedded(binaries, Path(folder) / "source") as source,
        ):
            (Path(folder) / "runs").mkdir()
            place = Place(binaries, archive, Path(folder) / "runs", source)
            more_runs, more_verdicts = measured(place, workload, args)
        runs += more_runs
        verdicts += more_verdicts
        # After each, so that what was measured is not lost.
        report.write(args.out, args.workloads, runs, verdicts)
    print((args.out / "speed.md").read_text(encoding="utf-8"))
    return 1 if any(verdict["differences"] for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
