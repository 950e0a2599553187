"""The table, the plot and the figures behind them."""

import json
import math
import os
import statistics
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt

from .runners import DISK, LATENCY_MS, MOCK
from .workloads import Workload

NAMES = {
    "nightferry": "nightferry's worker",
    "throttled": f"the same, {LATENCY_MS} ms before each request",
    "limit": "its publisher alone, ready-made messages",
    "duckdb": "DuckDB, fastavro, confluent-kafka",
    "plain": "DataFusion, arrow-avro, rdkafka",
    "spark": "PySpark, warm",
    "spark-first": "PySpark, first job of a session",
}
COLORS = {
    "nightferry": "#0b6e4f",
    "limit": "#9aa5b1",
    "duckdb": "#e0a100",
    "plain": "#3a6ea5",
    "throttled": "#6fb39a",
    "spark": "#c8553d",
}


def line(run: dict) -> str:
    """A run in a line."""
    peak = f", {run['peak_bytes'] / 1e6:,.0f} MB" if run.get("peak_bytes") else ""
    stages = run.get("stages") or {}
    spent = ", ".join(f"{name} {seconds:.2f}" for name, seconds in stages.items())
    return (
        f"  {run['work']} {run['who']:<12} {run['target']:<5} {run['sent']:>8,} sent  {run['wall_seconds']:7.2f} s wall"
        f"  {run['cpu_seconds']:7.2f} s CPU{peak}  (load {run['load']:.1f}){'  ' + spent if spent else ''}"
    )


def verdict(told: dict) -> str:
    """How a topic compared, in a line."""
    bytes_ = "all bytes the same" if told["identical"] else "other bytes"
    found = told["differences"]
    outcome = f"{len(found)} differences: " + "; ".join(found[:5]) if found else "no difference"
    return f"  {told['work']} {told['who']}: {outcome} ({told['compared']:,} alerts by value, {bytes_})"


def median(runs: list[dict], figure: Callable[[dict], float]) -> float | None:
    """Of some runs, if there are any."""
    found = [figure(run) for run in runs]
    return statistics.median(found) if found else None


def cpu(runs: list[dict]) -> float | None:
    """The median of the CPU seconds."""
    return median(runs, lambda run: run["cpu_seconds"])


def elapsed(runs: list[dict]) -> float | None:
    """The median of the seconds by the clock."""
    return median(runs, lambda run: run["wall_seconds"])


def rows(work: Workload, runs: list[dict]) -> list[list[str]]:
    """The table's rows of a workload, fastest first."""
    mine = [run for run in runs if run["work"] == work.name]
    whole = []
    for who in dict.fromkeys(run["who"] for run in mine):
        of = {target: [r for r in mine if r["who"] == who and r["target"] == target] for target in (MOCK, DISK)}
        whole.append((who, of))
    ours = next((of for who, of in whole if who == "nightferry"), {})
    base = {target: (elapsed(runs), cpu(runs)) for target, runs in ours.items() if runs}
    table = []
    for who, of in sorted(whole, key=lambda row: cpu(sum(row[1].values(), []))):
        cells = [work.name, NAMES[who]]
        for target in (MOCK, DISK):
            wall, spent = elapsed(of[target]), cpu(of[target])
            cells.append(f"{seconds(wall)} / {seconds(spent)}" if wall else "")
            times = base.get(target) if wall and spent else None
            cells.append(f"{wall / times[0]:,.1f} / {spent / times[1]:,.1f}" if times else "")
        peaks = [run["peak_bytes"] for runs in of.values() for run in runs if run.get("peak_bytes")]
        sent = next(run["sent"] for runs in of.values() for run in runs)
        rate = median(of[MOCK] or of[DISK], lambda run: run["sent"] / run["wall_seconds"])
        table.append([*cells, f"{rate:,.0f}", f"{max(peaks) / 1e6:,.0f} MB" if peaks else "", f"{sent:,}"])
    return table


def seconds(value: float) -> str:
    """With three figures, or hundredths."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def table(works: list[Workload], runs: list[dict], verdicts: list[dict]) -> str:
    """All in Markdown."""
    present = [work for work in works if any(run["work"] == work.name for run in runs)]
    loads = sorted(run["load"] for run in runs)
    read = {run["work"]: run["read"] for run in runs if run["who"] == "nightferry"}
    rounds = max(sum(1 for r in runs if all(r[k] == run[k] for k in ("work", "who", "target"))) for run in runs)
    lines = [f"- {work.name}: {work.what}; {read[work.name]:,} alerts read" for work in present]
    heads = ["work", "by", "mock broker: wall / CPU (s)", "×", "kept on disk: wall / CPU (s)", "×"]
    heads += ["alerts sent a second", "peak memory", "alerts sent"]
    lines += ["", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    lines += ["| " + " | ".join(row) + " |" for work in present for row in rows(work, runs)]
    same = [told for told in verdicts if not told["differences"]]
    lines += [
        "",
        f"Medians of up to {rounds} runs by turns, {os.cpu_count()} cores, load {loads[0]:.1f} to {loads[-1]:.1f}. "
        "×: how many times as long as nightferry's worker it takes, by the clock and in CPU seconds. The rate is that of "
        "the mock broker.",
        "",
        f"Topics compared with nightferry's: {len(verdicts)}, of which {len(same)} hold the same alerts with the same "
        f"values; {sum(told['identical'] for told in verdicts)} are the same byte by byte.",
    ]
    lines += [f"- DIFFERENT: {verdict(told).strip()}" for told in verdicts if told["differences"]]
    return "\n".join(lines) + "\n"


def plot(works: list[Workload], runs: list[dict], file: Path) -> None:
    """CPU seconds of each, shortest first, on a logarithmic scale."""
    present = [work for work in works if work.raced and any(run["work"] == work.name for run in runs)]
    if not present:
        return
    counts = [len({run["who"] for run in runs if run["work"] == work.name}) for work in present]
    plt.rcParams.update({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9})
    figure, axes = plt.subplots(
        len(present), 1, figsize=(8, 0.36 * sum(counts) + 0.5 * len(present) + 0.4), sharex=True, squeeze=False,
        gridspec_kw={"height_ratios": counts},
    )  # fmt: skip
    for work, axis in zip(present, axes[:, 0], strict=True):
        mine = [run for run in runs if run["work"] == work.name]
        found = {who: cpu([run for run in mine if run["who"] == who]) for who in {run["who"] for run in mine}}
        shown = sorted(found.items(), key=lambda pair: -pair[1])
        bars = axis.barh(
            [NAMES[who] for who, _ in shown], [max(spent, 0.01) for _, spent in shown],
            color=[COLORS.get(who.partition("-")[0], "#888888") for who, _ in shown], height=0.7,
        )  # fmt: skip
        axis.bar_label(bars, [f" {seconds(spent)} s" for _, spent in shown])
        axis.set_xscale("log")
        # From the left edge of the names on: some are longer than the bars' place.
        title = f"{work.name}: {work.what.replace('`', '')}"
        axis.set_title(title, loc="left", x=-0.55, fontsize=9, fontweight="bold")
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(axis="y", length=0)
    axes[-1, 0].set_xlabel("CPU seconds of the worker (logarithmic)")
    spent = [run["cpu_seconds"] for run in runs if run["work"] in {work.name for work in present}]
    axes[0, 0].set_xlim(10 ** math.floor(math.log10(max(min(spent), 0.01))), max(spent) * 2)
    figure.tight_layout()
    figure.savefig(file, facecolor="white")
    plt.close(figure)


def write(folder: Path, works: list[Workload], runs: list[dict], verdicts: list[dict]) -> None:
    """Writes `speed.md`, `speed.svg` and `speed.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "speed.md").write_text(table(works, runs, verdicts), encoding="utf-8")
    (folder / "speed.json").write_text(json.dumps({"runs": runs, "verdicts": verdicts}, indent=1), encoding="utf-8")
    plot(works, runs, folder / "speed.svg")
