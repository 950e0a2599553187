"""What the whole archive would take on AWS: time, cost and what holds it up, by how many workers run at once.

Reckoned from what `scale` measured (target/scale/scale.json: a worker's rates and the fan-out) and the limits and
prices of `aws.py`. Nothing of it was run on AWS. Each of the nights is one task; the slowest of the following
decides:

- the workers: each takes for a night the longest of its CPU, its download from S3 and its upload, which go on side by
  side; a queue gives out work to more and more of them, and no more than there are nights;
- MSK: what all brokers' disks take, divided by the copies that are kept of each byte; workers wait meanwhile, and are
  paid;
- S3: requests a second;
- fan-out, before all that: as measured, and a round trip for each footer.

Writes a table, a plot and all figures to a folder. `--check` tries the formulas on figures worked out by hand.
"""

import argparse
import doctest
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt

from . import aws
from .report import lines

ROOT = Path(__file__).resolve().parents[3]
WORKERS = [1, 3, 10, 30, 100, 300, 1000]
FOOTERS_AT_ONCE = 128
"""Footers that fan-out reads at once (`shared/transfer/src/fan_out.rs`)."""
COLORS = {"light": "#e0a100", "medium": "#0b6e4f", "full": "#c8553d"}


@dataclass(frozen=True)
class Rate:
    """What an alert takes of a worker."""

    seconds: float
    """Of a worker that nothing else holds up: all its CPU time, as if on one core, as its pump is one thread."""
    fetched: float
    """Bytes from S3."""
    stored: float
    """Bytes as a broker keeps them: what goes over the network, compressed or not."""
    requests: float
    """Requests of S3."""

    @classmethod
    def of(cls, told: dict) -> "Rate":
        """From what `scale` measured.

        >>> told = {"sent": 1000, "cpu_seconds": 2.0, "bytes_read": 4e6, "bytes_kept": 3e6, "requests": 50}
        >>> Rate.of(told)
        Rate(seconds=0.002, fetched=4000.0, stored=3000.0, requests=0.05)
        """
        sent = told["sent"]
        parts = (told["cpu_seconds"], told["bytes_read"], told["bytes_kept"], told["requests"])
        return cls(*(part / sent for part in parts))


@dataclass(frozen=True)
class Reckoned:
    """The whole archive by so many workers."""

    workers: int
    seconds: float
    holds_up: str
    """What decides."""
    paid_seconds: float
    """Of all workers."""
    dollars: float
    """Workers, requests, rows, traffic between zones, and the brokers meanwhile."""
    dollars_kept: float
    """Disks of the brokers for as long as alerts stay."""


def until_done(work: float, workers: int) -> float:
    """Seconds until so many worker-seconds are done, where workers come as a queue adds them.

    Five at once, five more each second: after t seconds 5 t + 2.5 t² are done.

    >>> until_done(100, 5)
    20.0
    >>> until_done(5 * 2 + 2.5 * 4, 1000)
    2.0
    >>> until_done((5 * 1 + 2.5) + 10 * 7, 10)
    8.0
    """
    first, more = min(aws.FIRST_WORKERS, workers), aws.MORE_WORKERS_A_SECOND
    growing = (workers - first) / more
    while_growing = first * growing + more / 2 * growing**2
    if work > while_growing:
        return growing + (work - while_growing) / workers
    return (math.sqrt(first**2 + 2 * more * work) - first) / more


def of_a_night(rate: Rate) -> dict[str, float]:
    """The seconds of a worker for a night, by what takes them.

    100,000 alerts of 1 ms on a core as fast as here, 30 kB from S3 at 75 MB/s (the function's network; eight
    connections would take 720), 15 kB to the brokers:

    >>> of_a_night(Rate(0.001, 30_000, 15_000, 0.01))
    {'CPU of workers': 100.0, 'S3 to a worker': 40.0, 'a worker to MSK': 20.0}
    """
    alerts = aws.ALERTS / aws.NIGHTS
    download = min(aws.FUNCTION_BYTES_A_SECOND, aws.CONNECTIONS * aws.CONNECTION_BYTES_A_SECOND)
    return {
        "CPU of workers": alerts * rate.seconds / aws.CPU_OF_LAMBDA,
        "S3 to a worker": alerts * rate.fetched / download,
        "a worker to MSK": alerts * rate.stored / aws.FUNCTION_BYTES_A_SECOND,
    }


def fan_out(measured: dict) -> float:
    """Seconds of the fan-out: as measured from disk, and footers over the network.

    62,500 files, two round trips each (where they are, and their footers) of 0.1 s, 128 at once: 97.65625 s.

    >>> fan_out({"tasks": 2000, "fan_out_seconds": 1.5})
    99.15625
    >>> fan_out({"tasks": 1000, "fan_out_seconds": 1.5})
    100.65625
    """
    files = aws.ARCHIVE_BYTES / aws.FILE_BYTES
    there = measured["fan_out_seconds"] * aws.NIGHTS / measured["tasks"]
    return there + 2 * files * aws.FIRST_BYTE_SECONDS / FOOTERS_AT_ONCE


def reckon(rate: Rate, workers: int, before: float) -> Reckoned:
    """The whole archive by so many workers, `before` seconds after the submit.

    By hand, 10 workers, nights of 100 s as above: 200,000 worker-seconds; five workers for the first second, ten after
    it: done after 1 + (200,000 - 7.5) / 10 = 20,000.25 s. MSK takes 262,144,000 B/s in all: 3e12 B in 11,444 s. S3: 2
    million requests in 364 s. So the workers decide, and are paid 200,000 s.

    >>> told = reckon(Rate(0.001, 30_000, 15_000, 0.01), 10, 0)
    >>> round(told.seconds, 2), told.holds_up, round(told.paid_seconds)
    (20000.25, 'CPU of workers', 200000)

    300 workers would be done in 700 s, seven rounds of nights; MSK holds them up, and they are paid all the while.

    >>> told = reckon(Rate(0.001, 30_000, 15_000, 0.01), 300, 0)
    >>> round(told.seconds), told.holds_up, round(told.paid_seconds / 300)
    (11444, 'MSK', 11444)
    """
    night = of_a_night(rate)
    slowest = max(night, key=night.get)
    # The last of a round of nights ends as its first: no worker takes a part of another's night.
    at_once = min(workers, aws.NIGHTS)
    rounds = math.ceil(aws.NIGHTS / at_once) * night[slowest]
    stored = aws.ALERTS * rate.stored
    steps = {
        slowest: max(until_done(aws.NIGHTS * night[slowest], at_once), rounds),
        "MSK": stored * aws.REPLICAS / (aws.BROKERS * aws.BROKER_DISK_BYTES_A_SECOND),
        "S3 requests": aws.ALERTS * rate.requests / aws.GETS_A_SECOND,
    }
    holds_up = max(steps, key=steps.get)
    working = steps[holds_up]
    paid = max(aws.NIGHTS * night[slowest], working * at_once if holds_up != slowest else 0)
    seconds = before + working
    if before > working:
        holds_up = "fan-out"
    return Reckoned(workers, seconds, holds_up, paid, dollars(rate, paid, seconds), kept(stored))


def dollars(rate: Rate, paid: float, seconds: float) -> float:
    """What is paid for the run.

    100,000 s of 3.455 GB at 0.0000166667: 5.759; 2,000 calls: 0.0004; 200 million GET: 80; 400,000 writes: 0.25; 1e12 B
    between zones: 13.333; three brokers for an hour: 2.448; in all 101.790.

    >>> round(dollars(Rate(0, 0, 5_000, 1), 100_000, 3600), 2)
    101.79
    """
    functions = paid * aws.WORKER_GB * aws.LAMBDA_GB_SECOND + aws.NIGHTS * aws.LAMBDA_REQUEST
    requests = aws.ALERTS * rate.requests * aws.S3_GET
    rows = paid * aws.WRITES_A_SECOND * aws.TABLE_WRITE
    traffic = aws.ALERTS * rate.stored / 1e9 * aws.ZONES_GB
    brokers = aws.BROKERS * aws.BROKER_HOUR * seconds / 3600
    return functions + requests + rows + traffic + brokers


def kept(stored: float) -> float:
    """What the brokers' disks cost for as long as alerts stay: 1e12 B three times, 3,000 GB for 7 of 30 days at 0.10.

    >>> round(kept(1e12), 2)
    70.0
    """
    return stored / 1e9 * aws.REPLICAS * aws.DISK_GB_MONTH * aws.RETENTION_DAYS / 30


def told(seconds: float) -> str:
    """A time in words.

    >>> told(95), told(5400), told(200_000)
    ('95 s', '1.5 h', '2.3 d')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} d"


def table(found: dict[str, list[Reckoned]], before: float) -> str:
    """All in words."""
    head = ["content", "workers", "time", "what holds it up", "paid time of workers", "the run", "kept 7 days"]
    rows = [
        [name, f"{one.workers:,}", told(one.seconds), one.holds_up, told(one.paid_seconds)]
        + [f"{one.dollars:,.0f} $", f"{one.dollars_kept:,.0f} $"]
        for name, ones in found.items()
        for one in ones
    ]
    text = f"{aws.ALERTS:,} alerts in {aws.NIGHTS:,} nights, {aws.ARCHIVE_BYTES / 1e12:.0f} TB."
    text += " Reckoned, not run on AWS.\n\n"
    return text + lines(head, rows) + f"\nFan-out: {told(before)}, in each of the times.\n"


def plot(found: dict[str, list[Reckoned]], file: Path) -> None:
    """Time and cost by workers; hollow where the workers are not what holds it up."""
    plt.rcParams.update({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9})
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    for name, ones in found.items():
        workers = [one.workers for one in ones]
        for axis, values in zip(axes, ([o.seconds / 3600 for o in ones], [o.dollars for o in ones]), strict=True):
            axis.loglog(workers, values, "-", color=COLORS[name], label=name)
            held = [one.holds_up not in ("CPU of workers", "S3 to a worker", "a worker to MSK") for one in ones]
            fills = ["white" if other else COLORS[name] for other in held]
            axis.scatter(workers, values, c=fills, edgecolors=COLORS[name], zorder=3, s=22)
    axes[0].set(title="The whole archive: time", xlabel="workers at once", ylabel="hours")
    axes[1].set(title="Cost of the run", xlabel="workers at once", ylabel="US dollars")
    axes[0].legend(frameon=False, title="hollow: MSK or fan-out decides", title_fontsize=8)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, facecolor="white")
    plt.close(figure)


def check() -> None:
    """Tries the formulas on what was worked out by hand."""
    found = doctest.testmod()
    if found.failed:
        raise SystemExit(f"{found.failed} of {found.attempted} are not as worked out by hand")
    print(f"all {found.attempted} as worked out by hand")


def main() -> None:
    """Reckons and writes."""
    parser = argparse.ArgumentParser(
        prog="whole-archive", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measured", type=Path, default=ROOT / "target/scale/scale.json", help="what `scale` wrote")
    parser.add_argument("--output", type=Path, default=ROOT / "target/scale")
    parser.add_argument("--check", action="store_true", help="try the formulas alone")
    options = parser.parse_args()
    if options.check:
        return check()
    if not options.measured.is_file():
        raise SystemExit(f"{options.measured} is missing: run tests/bench/scale first")
    measured = json.loads(options.measured.read_text(encoding="utf-8"))
    before = fan_out(measured["nights"][-1])
    rates = {name: Rate.of(rate) for name, rate in measured["rates"].items()}
    within = [workers for workers in WORKERS if workers <= aws.ACCOUNT_CONCURRENCY]
    found = {name: [reckon(rate, workers, before) for workers in within] for name, rate in rates.items()}
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "whole-archive.md").write_text(table(found, before), encoding="utf-8")
    figures = {name: [asdict(one) for one in ones] for name, ones in found.items()}
    nights = {name: of_a_night(rate) for name, rate in rates.items()}
    told_of = {"fan_out_seconds": before, "worker_seconds_of_a_night": nights, "reckoned": figures}
    (options.output / "whole-archive.json").write_text(json.dumps(told_of, indent=1), encoding="utf-8")
    plot(found, options.output / "whole-archive.svg")
    print(table(found, before))
    return None


if __name__ == "__main__":
    main()
