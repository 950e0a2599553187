"""More and more alerts through one worker: its CPU time should grow as they do, and its memory not at all."""

import shutil
from pathlib import Path

from comparison.said import say

from .archives import linked
from .worker import Worker, bytes_below, worker

OF_A_FILE = 10_000
"""Alerts of the file that all nights are made of."""
OF_A_NIGHT = 250_000
"""Alerts of a night of the telescope."""


def layout(alerts: int) -> tuple[int, int]:
    """Nights, and copies of the file in each.

    >>> layout(10_000), layout(250_000), layout(3_000_000)
    ((1, 1), (1, 25), (12, 25))
    """
    nights = max(1, alerts // OF_A_NIGHT)
    return nights, alerts // nights // OF_A_FILE


def measured(runs: Worker, nights: list[str], content: str, topics: Path) -> dict:
    """A job of all alerts of these nights, run by one worker; `topics` is where its broker keeps them."""
    before = bytes_below(topics)
    job = runs.asked("prepare", {"nights": nights, "content": content})["job"]
    figures = runs.run("run", "--job", job)
    return figures | {"bytes_kept": bytes_below(topics) - before}


def growth(binaries: Path, file: Path, folder: Path, sizes: list[int], content: str) -> list[dict]:
    """The figures of a worker for so many alerts each."""
    rows = []
    for size in sizes:
        nights, copies = layout(size)
        archive, scratch = folder / f"alerts-{size}", folder / f"alerts-of-{size}"
        span = linked([file], archive, nights, copies)
        with worker(binaries, archive, scratch) as runs:
            figures = measured(runs, span, content, scratch / "kafka")
        assert figures["sent"] == nights * copies * OF_A_FILE, figures
        say(
            f"{figures['sent']:>9,} alerts in {nights} nights: {figures['cpu_seconds']:.2f} s CPU, "
            f"{1e6 * figures['cpu_seconds'] / figures['sent']:.2f} µs each, {figures['peak_bytes'] / 1e6:.0f} MB"
        )
        rows.append({"nights": nights, "content": content} | figures)
        shutil.rmtree(archive)
        shutil.rmtree(scratch, ignore_errors=True)
    return rows
