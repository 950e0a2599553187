"""Many nights in one job: fan-out, status, and what the store takes of a worker's time."""

import shutil
import statistics
from pathlib import Path

from comparison.said import say

from .archives import linked
from .worker import worker

REQUESTS = {
    "all nights at once": {},
    "in order, two at once": {"pace": {"nights_at_once": 2}},
    "under a limit": {"limit": 1_000_000_000},
}
"""Jobs whose tasks are handed out at once, and jobs whose tasks wait for earlier ones."""


def fan_outs(binaries: Path, file: Path, folder: Path, nights: list[int]) -> list[dict]:
    """Fan-outs of jobs of so many nights, each in a process of its own."""
    rows = []
    for count in nights:
        archive = folder / f"archive-{count}"
        span = linked([file], archive, count)
        with worker(binaries, archive, folder / f"fan-out-{count}") as runs:
            figures = runs.asked("fan-out", {"nights": span, "content": "Light packet"})
        assert figures["tasks"] == count, figures
        status = figures["status"]
        row = {key: figures[key] for key in ("tasks", "submit_seconds", "fan_out_seconds", "fan_out_cpu_seconds")}
        row |= {"status_median_seconds": statistics.median(status["seconds"])}
        row |= {"status_longest_seconds": max(status["seconds"]), "status_bytes": status["bytes"]}
        say(
            f"{count:>5} nights: submit {row['submit_seconds']:.2f} s, fan-out {row['fan_out_seconds']:.2f} s, status "
            f"{1e3 * row['status_median_seconds']:.0f} ms (at most {1e3 * row['status_longest_seconds']:.0f} ms)"
        )
        rows.append(row)
        shutil.rmtree(archive)
    return rows


def bookkeeping(binaries: Path, file: Path, folder: Path, nights: list[int]) -> list[dict]:
    """Jobs of so many small nights, worked through: what calls of the store take of each task."""
    rows = []
    for name, request in REQUESTS.items():
        for count in nights:
            archive = folder / f"books-{count}"
            span = linked([file], archive, count)
            scratch = folder / f"books-of-{len(rows)}"
            with worker(binaries, archive, scratch) as runs:
                asked = {"nights": span, "content": "Light packet"} | request
                job = runs.asked("fan-out", asked, "--times", "1")["job"]
                figures = runs.run("bookkeeping", "--job", job)
            assert (figures["tasks"], figures["state"]) == (count, "done"), figures
            each = 1e3 * figures["store_seconds"] / count
            say(
                f"{name}, {count:>5} tasks: {figures['wall_seconds']:.1f} s, of which the store "
                f"{figures['store_seconds']:.1f} s: {each:.2f} ms, {figures['store_calls'] / count:.1f} calls a task, "
                f"{figures['rows_read'] / count:.0f} rows listed"
            )
            rows.append({"job": name} | figures)
            shutil.rmtree(archive)
            shutil.rmtree(scratch, ignore_errors=True)
    return rows
