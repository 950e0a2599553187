"""The table, the plot and the figures of `scale`."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt

INK, GREEN, AMBER = "#1b2733", "#0b6e4f", "#e0a100"
MEAN_NIGHT = 100_000
"""Alerts of the archive's mean night: 200 million in 2,000."""


def lines(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown."""
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows]) + "\n"


def share(task: dict, rates: dict) -> float | None:
    """What part the store has of a task over a mean night, for light packets, by the measured rate.

    >>> task = {"store_seconds": 2.0, "tasks": 1000}
    >>> round(share(task, {"light": {"cpu_seconds": 1.0, "sent": 500_000}}), 4)
    0.0099
    """
    light = rates.get("light")
    if not light:
        return None
    books = task["store_seconds"] / task["tasks"]
    return books / (books + light["cpu_seconds"] / light["sent"] * MEAN_NIGHT)


def table(told: dict) -> str:
    """All figures in words."""
    text = ""
    if "nights" in told:
        head = ["nights of a job", "submit", "fan-out", "its CPU", "status, median", "longest", "its bytes"]
        rows = [
            [f"{row['tasks']:,}", f"{row['submit_seconds']:.2f} s", f"{row['fan_out_seconds']:.2f} s"]
            + [f"{row['fan_out_cpu_seconds']:.2f} s", f"{1e3 * row['status_median_seconds']:.0f} ms"]
            + [f"{1e3 * row['status_longest_seconds']:.0f} ms", f"{row['status_bytes'] / 1e6:.2f} MB"]
            for row in told["nights"]
        ]
        text += lines(head, rows) + "\n"
    if "tasks" in told:
        head = ["job", "tasks", "calls a task", "rows listed", "store a task", "of a mean night, light"]
        rows = []
        for row in told["tasks"]:
            part = share(row, told.get("rates", {}))
            each = 1e3 * row["store_seconds"] / row["tasks"]
            rows.append(
                [row["job"], f"{row['tasks']:,}", f"{row['store_calls'] / row['tasks']:.1f}"]
                + [f"{row['rows_read'] / row['tasks']:.1f}", f"{each:.2f} ms", f"{part:.2%}" if part else ""]
            )
        text += lines(head, rows) + "\n"
    if "alerts" in told:
        head = ["alerts sent, one worker", "nights", "CPU", "an alert", "wall", "peak memory"]
        rows = [
            [f"{row['sent']:,}", str(row["nights"]), f"{row['cpu_seconds']:.2f} s"]
            + [f"{1e6 * row['cpu_seconds'] / row['sent']:.2f} µs", f"{row['wall_seconds']:.2f} s"]
            + [f"{row['peak_bytes'] / 1e6:.0f} MB"]
            for row in told["alerts"]
        ]
        text += lines(head, rows) + "\n"
    if "rates" in told:
        head = ["content", "alerts", "CPU", "a CPU second", "fetched an alert", "requests", "kept an alert"]
        rows = [
            [name, f"{rate['sent']:,.0f}", f"{rate['cpu_seconds']:.2f} s", f"{rate['sent'] / rate['cpu_seconds']:,.0f}"]
            + [f"{rate['bytes_read'] / rate['sent']:,.0f} B", f"{rate['requests']:,.0f}"]
            + [f"{rate['bytes_kept'] / rate['sent']:,.0f} B"]
            for name, rate in told["rates"].items()
        ]
        text += lines(head, rows) + "\n"
    return text + f"{told['cores']} cores, load {told['load']:.1f} at the end.\n"


def plot(told: dict, file: Path) -> None:
    """Fan-out by nights, and CPU time by alerts beside a straight line."""
    plt.rcParams.update({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9})
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    if "nights" in told:
        nights = [row["tasks"] for row in told["nights"]]
        left.plot(nights, [row["fan_out_seconds"] for row in told["nights"]], "o-", color=GREEN, label="fan-out")
        left.plot(nights, [row["status_median_seconds"] for row in told["nights"]], "s-", color=AMBER, label="status")
        left.legend(frameon=False)
    left.set(title="A job of many nights", xlabel="nights", ylabel="seconds", ylim=0)
    if "alerts" in told:
        sent = [row["sent"] for row in told["alerts"]]
        right.loglog(sent, [row["cpu_seconds"] for row in told["alerts"]], "o-", color=GREEN, label="measured")
        each = told["alerts"][-1]["cpu_seconds"] / sent[-1]
        right.loglog(sent, [each * count for count in sent], "--", color=INK, linewidth=0.8, label="in proportion")
        right.legend(frameon=False)
    right.set(title="CPU seconds of one worker, light packets", xlabel="alerts sent", ylabel="seconds")
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, facecolor="white")
    plt.close(figure)


def write(folder: Path, told: dict) -> None:
    """Writes `scale.md`, `scale.svg` and `scale.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scale.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    (folder / "scale.md").write_text(table(told), encoding="utf-8")
    plot(told, folder / "scale.svg")
