"""Measures how honest `POST /v1/estimates` is.

    tests/bench/calibrate                                  # 200 requests over 3.2 million sample alerts
    tests/bench/calibrate --requests 50 --archive FOLDER   # over an archive of yours, which is only read

Draws random requests (classes, conditions and nights; the same for the same seed) and lets DuckDB count in the Parquet
files what passes each; finkclass is derived there by SQL of its own. Then starts `nightferry up` over the archive,
waits until it has indexed it (DuckDB has read the files before: they may still be in the system's cache), and asks for
an estimate of each request. Prints a table by true counts, and writes `answers.jsonl` and `calibration.md`.

Exit codes: 0 the goals are met; 1 they are not, or something that an answer states as counted is wrong.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from . import report, rule, told
from .ask import Answered, ask
from .draw import BINS, Drawn, bin_of, draw
from .sample import sample
from .service import Indexed, await_index, running
from .truth import Counts, Truth

ROOT = Path(__file__).resolve().parents[3]


def given() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(
        "calibrate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archive", type=Path, help="an archive; else a sample is made and kept: 19 GB")
    parser.add_argument("--nightferry", type=Path, default=ROOT / "target/release/nightferry", help="the binary")
    parser.add_argument("--requests", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="of the requests (default 1)")
    parser.add_argument("--out", type=Path, default=ROOT / "target/calibration", help="folder of the report")
    parser.add_argument("--threads", type=int, default=2, help="of DuckDB (default 2)")
    parser.add_argument("--index-deadline", type=float, default=3600, help="seconds (default 3600)")
    parser.add_argument("--truth-only", action="store_true", help="draw and count the requests, but ask nobody")
    parser.add_argument("--check-rule", action="store_true", help="only try the SQL of finkclass: see rule.py")
    return parser.parse_args()


def distribution(requests: list[tuple[Drawn, Counts]]) -> str:
    """How many requests there are by true counts."""
    found = Counter(bin_of(whole(counts)) for _, counts in requests)
    table = [[report.bin_name(*ends), str(found[ends])] for ends in BINS]
    return report.as_text([["alerts that pass", "requests"], *table])


def whole(counts: Counts) -> int:
    """All alerts."""
    return sum(alerts for _, _, alerts in counts)


def asked(
    args: argparse.Namespace, archive: Path, folder: Path, truth: Truth, requests: list[tuple[Drawn, Counts]]
) -> tuple[list[Answered], Indexed | None]:
    """The answers, each written as soon as it is there."""
    alerts = {night: sum(names.values()) for night, names in truth.classes_of.items()}
    answers = []
    # What it has in memory is not to be missed by the service.
    truth.duck.close()
    began = time.monotonic()
    with running(args.nightferry, archive, folder) as service:
        index = await_index(service, alerts, began, args.index_deadline)
        told.say(report.indexed(index))
        with open(args.out / "answers.jsonl", "w", encoding="utf-8") as file:
            for number, (drawn, counts) in enumerate(requests):
                one = ask(service, truth, number, drawn, counts)
                answers.append(one)
                file.write(json.dumps(asdict(one) | {"inside": one.inside}, ensure_ascii=False) + "\n")
                file.flush()
                told.progress("estimates", number + 1, len(requests), "requests")
    return answers, index


def main() -> int:
    """Measures."""
    args = given()
    # Whoever ends the measurement ends the service as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not args.nightferry.is_file() and not (args.archive and (args.check_rule or args.truth_only)):
        raise SystemExit(f"{args.nightferry} is missing: cargo build --release, or name one with --nightferry")
    archive = args.archive or sample(args.nightferry, Path.home() / ".cache/nightferry/bench/archive")
    with tempfile.TemporaryDirectory(prefix="nightferry-calibrate-") as temporary:
        folder = Path(temporary)
        truth = Truth(archive, folder, args.threads)
        if args.check_rule:
            return 1 if rule.differences(truth) else 0
        requests = draw(truth, args.requests, args.seed)
        told.say(distribution(requests))
        if args.truth_only:
            for drawn, counts in requests:
                print(json.dumps({"request": drawn.document, "truth": whole(counts)}, ensure_ascii=False))
            return 0
        args.out.mkdir(parents=True, exist_ok=True)
        answers, index = asked(args, archive, folder, truth, requests)
    alerts = sum(sum(names.values()) for names in truth.classes_of.values())
    origin = (
        f"{len(answers)} random requests (seed {args.seed}) over {len(truth.nights)} nights with {alerts:,} alerts;"
        f" {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end."
    )
    report.write(args.out, answers, index, origin)
    print(report.as_text(report.rows(answers)), "", *report.lines(answers, index), sep="\n")
    return 0 if all(met for met, _ in report.goals(answers)) else 1


if __name__ == "__main__":
    sys.exit(main())
