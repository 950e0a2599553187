"""Measures how nightferry grows: with nights, with tasks and with alerts.

Fan-out and status of jobs of up to 2,000 nights; what the store takes of each task; the CPU time of one worker for up
to three million alerts; and the rates that `whole-archive` reckons with. Nights are names of one sample file, so that
little room is needed: up to 6 GB for the topics, and what `speed` keeps of nights.

It runs what `cargo build --release --workspace` has built, and writes a table, a plot and all figures to a folder. Some
twenty minutes; `--quick` only shows that it works.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from comparison.said import say

from . import report
from .alerts import OF_A_FILE, growth
from .archives import simulated
from .nights import bookkeeping, fan_outs
from .rates import rates

ROOT = Path(__file__).resolve().parents[3]
PARTS = ["nights", "tasks", "alerts", "rates"]
OF_A_SMALL_NIGHT = 200
"""Alerts of the nights that a job has thousands of."""


def arguments() -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(
        prog="scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="the others keep their last figures")
    parser.add_argument("--nights", type=int, default=2000, help="of the largest job")
    parser.add_argument("--alerts", type=int, default=3_000_000, help="of the largest job")
    parser.add_argument("--times", type=int, default=3, help="runs behind each rate")
    parser.add_argument("--quick", action="store_true", help="a tenth of all")
    parser.add_argument("--binaries", type=Path, default=ROOT / "target/release")
    parser.add_argument("--folder", type=Path, help="for archives and topics; a temporary folder unless given")
    parser.add_argument("--kept-nights", type=Path, default=Path.home() / ".cache/nightferry/bench/nights")
    parser.add_argument("--output", type=Path, default=ROOT / "target/scale")
    options = parser.parse_args()
    if options.quick:
        options.nights, options.alerts, options.times = options.nights // 10, options.alerts // 10, 1
    return options


def measure(options: argparse.Namespace, folder: Path, known: dict) -> dict:
    """The figures of the chosen parts, and those of the others as they were."""
    binaries, told = options.binaries, dict(known)
    small = simulated(binaries / "nightferry", folder, OF_A_SMALL_NIGHT)[0]
    if "nights" in options.parts:
        counts = [options.nights // 20, options.nights // 4, options.nights]
        told["nights"] = fan_outs(binaries, small, folder, counts)
    if "tasks" in options.parts:
        told["tasks"] = bookkeeping(binaries, small, folder, [options.nights // 10, options.nights])
    if "alerts" in options.parts:
        file = simulated(binaries / "nightferry", folder, OF_A_FILE)[0]
        sizes = [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000]
        wanted = [size for size in sizes if size <= options.alerts]
        told["alerts"] = growth(binaries, file, folder, wanted, "Light packet")
    if "rates" in options.parts:
        told["rates"] = rates(binaries, folder, options.kept_nights, options.times, 10 if options.quick else 1)
    return told | {"cores": os.cpu_count(), "load": os.getloadavg()[0]}


def main() -> None:
    """Measures and writes."""
    options = arguments()
    file = options.output / "scale.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="nightferry-scale-", dir=options.folder) as folder:
        told = measure(options, Path(folder), known)
    report.write(options.output, told)
    print((options.output / "scale.md").read_text(encoding="utf-8"))
    say(f"in {options.output}")


if __name__ == "__main__":
    main()
