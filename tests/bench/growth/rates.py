"""What one worker does with nights as the archive has them, for each content: the rates that `whole-archive` reckons
with."""

import shutil
import statistics
from pathlib import Path

from comparison import nights as realistic
from comparison.said import say
from comparison.workloads import NIGHT

from .alerts import measured
from .worker import worker

CONTENTS = {"light": ("Light packet", "L"), "medium": ("Medium packet", "L"), "full": ("Full packet", "C")}
"""Each content, and the night of `speed` that it is measured on: the same without and with cutouts."""
KEPT = (
    "cpu_seconds",
    "wall_seconds",
    "sent",
    "bytes_sent",
    "bytes_kept",
    "bytes_read",
    "requests",
    "footer_requests",
    "peak_bytes",
)


def rates(binaries: Path, folder: Path, nights: Path, times: int, divisor: int) -> dict[str, dict]:
    """For each content the medians of some runs, over nights that are so many times smaller."""
    told = {}
    for name, (content, night) in CONTENTS.items():
        archive = realistic.night(night, divisor, binaries / "nightferry", nights)
        found = []
        for number in range(times):
            scratch = folder / f"rates-{name}-{number}"
            with worker(binaries, archive, scratch) as runs:
                found.append(measured(runs, [NIGHT], content, scratch / "kafka"))
            shutil.rmtree(scratch, ignore_errors=True)
        told[name] = {key: statistics.median(run[key] for run in found) for key in KEPT} | {"runs": times}
        sent, cpu = told[name]["sent"], told[name]["cpu_seconds"]
        say(f"{content}: {sent:,.0f} alerts in {cpu:.2f} s CPU, {sent / cpu:,.0f}/s")
    return told
