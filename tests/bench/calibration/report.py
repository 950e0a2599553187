"""What was found, as tables, and whether the goals are met."""

import math
import statistics
from pathlib import Path

from .ask import Answered, Coverage
from .draw import BINS
from .service import Indexed

GOAL_INSIDE = 0.93
GOAL_ERROR = 0.05
MANY = 1_000


def percent(share: float | None, digits: int = 1) -> str:
    """A share for a reader."""
    return "–" if share is None else f"{100 * share:,.{digits}f} %"


def high_share(values: list[float], share: float) -> float:
    """The smallest value that this share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def bin_name(low: int, high: int | None) -> str:
    """`10–99`"""
    return f"≥ {low:,}" if high is None else f"{low:,}" if low == high else f"{low:,}–{high:,}"


def rows(answers: list[Answered]) -> list[list[str]]:
    """The table by true counts."""
    found = [["alerts that pass", "requests", "inside", "median error", "90 % below", "median width", "exact"]]
    for low, high in [*BINS, (0, None)]:
        some = [one for one in answers if one.truth >= low and (high is None or one.truth <= high)]
        name = "all" if (low, high) == (0, None) else bin_name(low, high)
        if not some:
            found.append([name, "0", "–", "–", "–", "–", "–"])
            continue
        # Shares of a true count: those of nothing are told in their own row only.
        weighed = [one for one in some if one.truth or high == 0] or some
        errors, widths = [one.error for one in weighed], [one.width for one in weighed]
        figures = [statistics.median(errors), high_share(errors, 0.9), statistics.median(widths)]
        told = [f"{figure:,.0f} alerts" for figure in figures] if high == 0 else list(map(percent, figures))
        inside = percent(sum(one.inside for one in some) / len(some))
        found.append([name, str(len(some)), inside, *told, str(sum(one.exact for one in some))])
    return found


def as_text(table: list[list[str]]) -> str:
    """A table for a terminal."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = []
    for row in table:
        name, *figures = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([name.strip().ljust(widths[0]), *figures]))
    return "\n".join(lines)


def as_markdown(table: list[list[str]]) -> str:
    """A table for a page."""
    head, *body = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([head, "|---" + "|---:" * (len(table[0]) - 1) + "|", *body])


def covered(name: str, parts: list[Coverage]) -> str:
    """A line on the nights or the classes of all answers."""
    whole = Coverage()
    for part in parts:
        whole.add(part)
    if not whole.parts:
        return f"counts by {name}: no intervals"
    line = f"counts by {name}: {percent(whole.inside / whole.parts)} of {whole.parts:,} inside"
    if whole.uncertain:
        share = percent(whole.uncertain_inside / whole.uncertain)
        line += f"; {share} of the {whole.uncertain:,} that are estimated and not zero"
    if whole.unnamed:
        line += f"; {whole.unnamed:,} left out, in all {whole.unnamed_alerts:,} alerts"
    return line


def indexed(index: Indexed | None) -> str:
    """A line on the index."""
    if index is None:
        return "index: this version has none"
    rate = index.alerts / max(index.seconds, 1e-9)
    whole = f"index: {index.nights:,} nights, {index.alerts:,} alerts"
    return f"{whole} within {index.seconds:.1f} s of the start: {rate:,.0f} alerts/s"


def goals(answers: list[Answered]) -> list[tuple[bool, str]]:
    """Each goal: whether it is met, and a line on it."""
    inside = sum(one.inside for one in answers) / len(answers)
    many = [one.error for one in answers if one.truth > MANY]
    error = statistics.median(many) if many else None
    exact = [one for one in answers if one.exact]
    wrong = [one for one in answers if one.wrong]
    least, most = percent(GOAL_INSIDE, 0), percent(GOAL_ERROR, 0)
    return [
        (
            inside >= GOAL_INSIDE,
            f"{percent(inside)} of {len(answers)} intervals hold the truth (goal: at least {least})",
        ),
        (
            error is None or error < GOAL_ERROR,
            f"median error of the {len(many)} with more than {MANY:,} alerts: {percent(error, 2)} (goal: below {most})",
        ),
        (not wrong, f"{len(exact)} answers are exact; {len(wrong)} state as counted what is wrong (goal: 0)"),
    ]


def lines(answers: list[Answered], index: Indexed | None) -> list[str]:
    """What is to be said besides the table."""
    seconds = [one.seconds for one in answers]
    found = [f"{'met' if met else 'MISSED'}: {line}" for met, line in goals(answers)]
    found += [covered("night", [one.nights for one in answers]), covered("class", [one.classes for one in answers])]
    median, ninth, longest = statistics.median(seconds), high_share(seconds, 0.9), max(seconds)
    found.append(f"answers: median {median:.3f} s, 90 % within {ninth:.3f} s, longest {longest:.3f} s")
    found.append(indexed(index))
    found += [f"request {one.number}: {text}" for one in answers for text in one.wrong]
    return found


def page(answers: list[Answered], index: Indexed | None, origin: str) -> str:
    """`calibration.md`"""
    said = "\n".join(f"- {line}" for line in lines(answers, index))
    return f"""# How honest estimates are

{origin}

{as_markdown(rows(answers))}

*inside*: the interval holds the true count, which DuckDB found in the Parquet files. *error* and *width* (`alerts_high`
− `alerts_low`) are shares of the true count; where nothing passes, alerts.

{said}
"""


def write(folder: Path, answers: list[Answered], index: Indexed | None, origin: str) -> None:
    """Writes the page."""
    (folder / "calibration.md").write_text(page(answers, index, origin), encoding="utf-8")
