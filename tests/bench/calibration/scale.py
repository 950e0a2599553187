"""Measures an index at its size: how long building, opening and answering take over a thousand nights and more.

The nights are made of one sample archive: each gets some thousand alerts of it, without images and light curves, so that
a thousand of them fit on a disk; with --light-curves their histories too, which takes some 25 MB a night. Written in parts,
each indexed and deleted again.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb

from . import told
from .service import Service, running

ROOT = Path(__file__).resolve().parents[3]
REQUESTS = {
    "no condition": {},
    "a class": {"classes": ["RRLyr"]},
    "one condition": {"conditions": "candidate.magpsf < 19"},
    "a class and one condition": {"classes": ["RRLyr"], "conditions": "candidate.magpsf < 19"},
    "five conditions": {
        "conditions": "candidate.magpsf < 19; candidate.distnr > 2; candidate.drb > 0.5; "
        "candidate.classtar > 0.4; candidate.isdiffpos = 't'"
    },
    "a formula": {"conditions": "(candidate.magnr - candidate.magpsf) < -4 * (LOG10(candidate.distnr) + 0.2)"},
}

OF_LIGHT_CURVES = {
    "how many points": {"conditions": "size(prv_candidates) > 10"},
    "how many points, a class": {"classes": ["RRLyr"], "conditions": "size(prv_candidates) > 10"},
    "the brightest point": {"conditions": "array_min(prv_candidates.magpsf) < 18"},
    "two fields and one more": {
        "conditions": "array_max(prv_candidates.magpsf) - array_min(prv_candidates.magpsf) > 1; "
        "prv_candidates[0].fid = 1; candidate.magpsf < 19"
    },
    "eight fields": {
        "conditions": "array_max(prv_candidates.magpsf) > 18; array_max(prv_candidates.sigmapsf) < 0.5; "
        "array_max(prv_candidates.rb) > 0.5; array_max(prv_candidates.fwhm) < 9; array_max(prv_candidates.elong) < 3; "
        "array_min(prv_candidates.diffmaglim) > 15; array_min(prv_candidates.jd) > 0; array_max(prv_candidates.nbad) < 9"
    },
}


def arguments() -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(prog="scale-index", description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="a sample archive: `nightferry simulate --no-cutouts`")
    parser.add_argument("--data", type=Path, help="keeps the index here and reuses it; a temporary folder unless given")
    parser.add_argument("--nights", type=int, default=1000)
    parser.add_argument("--alerts", type=int, default=4500, help="alerts in a night")
    parser.add_argument("--light-curves", action="store_true", help="keep prv_candidates, and ask for them too")
    parser.add_argument("--part", type=int, default=100, help="nights that are on disk at once")
    parser.add_argument("--times", type=int, default=15, help="how often each request is asked")
    parser.add_argument("--nightferry", type=Path, default=ROOT / "target/release/nightferry")
    return parser.parse_args()


def nights(count: int) -> list[date]:
    """So many nights in a row."""
    return [date(2022, 1, 1) + timedelta(days=day) for day in range(count)]


def write(source: list[Path], folder: Path, part: list[date], first: int, alerts: int, curves: bool) -> None:
    """Nights of the source's alerts, without what is heavy."""
    left_out = "cutoutScience, cutoutTemplate, cutoutDifference" + ("" if curves else ", prv_candidates")
    connection = duckdb.connect()
    for number, file in enumerate(source):
        columns = f"SELECT * EXCLUDE ({left_out}) FROM read_parquet('{file}', hive_partitioning = false)"
        connection.execute(f"CREATE TABLE source_{number} AS {columns}")
    for number, night in enumerate(part, first):
        target = folder / f"science/year={night.year}/month={night.month:02}/day={night.day:02}/part-0.parquet"
        target.parent.mkdir(parents=True)
        skipped = (number // len(source)) * alerts % 20_000
        connection.execute(
            f"""COPY (SELECT * FROM source_{number % len(source)} LIMIT {alerts} OFFSET {skipped})
                TO '{target}' (FORMAT parquet, COMPRESSION snappy)"""
        )


def build(options: argparse.Namespace, data: Path, folder: Path) -> float:
    """Builds the index part by part; the seconds that the command took."""
    source = sorted(options.source.glob("science/**/*.parquet"))
    wanted, seconds = nights(options.nights), 0.0
    for first in range(0, len(wanted), options.part):
        part = wanted[first : first + options.part]
        if all((data / f"bucket/index/nights/{night}.json").exists() for night in part):
            continue
        archive = folder / "archive"
        write(source, archive, part, first, options.alerts, options.light_curves)
        began = time.monotonic()
        command = [options.nightferry, "index", "--archive", archive, "--data", data, "--nights"]
        subprocess.run([*command, f"{part[0]}..{part[-1]}"], check=True, stdout=subprocess.DEVNULL)
        seconds += time.monotonic() - began
        shutil.rmtree(archive)
        told.progress("index", first + len(part), len(wanted), "nights")
    return seconds


def size(folder: Path) -> float:
    """The megabytes below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def ask(service: Service, options: argparse.Namespace) -> None:
    """Asks each request some times, over all nights."""
    span = f"{nights(options.nights)[0]}..{nights(options.nights)[-1]}"
    began = time.monotonic()
    status, first = service.ask("/v1/estimates", {"nights": [span]})
    opened = time.monotonic() - began
    if status != 200 or not all(night["indexed"] for night in first["nights"]):
        raise SystemExit(f"not as it should be: {status} {str(first)[:400]}")
    print(f"opened and counted {len(first['nights'])} nights, {first['alerts']:,} alerts, in {opened:.3f} s")
    print(f"{'request':28} {'first':>8} {'median':>8} {'longest':>8}   alerts")
    requests = REQUESTS | (OF_LIGHT_CURVES if options.light_curves else {})
    for name, request in requests.items():
        times = []
        for _ in range(options.times):
            began = time.monotonic()
            status, answer = service.ask("/v1/estimates", {"nights": [span], **request})
            times.append(time.monotonic() - began)
            assert status == 200, answer
        low, high, tried = answer["alerts_low"], answer["alerts_high"], answer["alerts_tried"]
        result = f"{answer['alerts']:,} ({low:,} to {high:,}), tried on {tried:,}"
        milliseconds = [times[0], statistics.median(times[1:]), max(times[1:])]
        print(f"{name:28} " + " ".join(f"{1e3 * seconds:5.0f} ms" for seconds in milliseconds) + f"   {result}")


def main() -> None:
    """Builds, opens, asks."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="nightferry-scale-") as temporary:
        folder = Path(temporary)
        data = (options.data or folder / "data").absolute()
        index = data / "bucket/index"
        seconds = build(options, data, folder)
        if seconds:
            print(f"indexed the nights of {options.alerts} alerts that were not yet there in {seconds:.0f} s")
        for part in ("nights", "samples", "bundles"):
            print(f"{part:10} {size(index / part):10,.1f} MB")
        print(f"catalogue  {(index / 'catalogue.json.zst').stat().st_size / 1e6:10,.1f} MB")
        archive = folder / "archive"
        write(sorted(options.source.glob("science/**/*.parquet")), archive, nights(1), 0, 10, options.light_curves)
        with running(options.nightferry, archive, folder, data, "--index-every", "0s") as service:
            ask(service, options)


if __name__ == "__main__":
    main()
