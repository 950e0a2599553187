"""Random requests: classes × conditions × nights, the same for the same seed and archive.

Left to chance, most requests would pass very many alerts or none. So each range of true counts gets a share of its own,
as far as chance finds requests for it; what an estimate would say plays no part in that.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from . import told
from .classes import listed
from .conditions import Conditions, as_sql, as_user
from .truth import Counts, Truth

# True counts, both ends included, and the share of the requests that each range gets.
BINS = {
    (0, 0): 0.08,
    (1, 9): 0.06,
    (10, 99): 0.10,
    (100, 999): 0.14,
    (1_000, 9_999): 0.22,
    (10_000, 99_999): 0.20,
    (100_000, None): 0.20,
}
# A range that chance does not fill within so many draws a request gives its place to the others.
DRAWS = 10


@dataclass
class Drawn:
    """A request, and what it means over the narrow table."""

    document: dict
    nights: list[str]
    kept: str


def draw(truth: Truth, count: int, seed: int) -> list[tuple[Drawn, Counts]]:
    """So many requests, each with what is true of it."""
    chance, constants = Random(seed), truth.constants()
    room = {ends: round(share * count) for ends, share in BINS.items()}
    chosen, spare = [], []
    for _ in range(DRAWS * count):
        if len(chosen) == count or not any(room.values()):
            break
        drawn = one(truth, constants, chance)
        counts = truth.count(drawn.nights, drawn.kept)
        ends = bin_of(sum(alerts for _, _, alerts in counts))
        if room[ends] > 0:
            room[ends] -= 1
            chosen.append((drawn, counts))
            told.progress("true counts", len(chosen), count, "requests")
        else:
            spare.append((drawn, counts))
    return (chosen + spare)[:count]


def bin_of(alerts: int) -> tuple[int, int | None]:
    """The range that a count is in."""
    return next(ends for ends in BINS if alerts >= ends[0] and (ends[1] is None or alerts <= ends[1]))


def one(truth: Truth, constants: dict[str, list[float]], chance: Random) -> Drawn:
    """A request."""
    nights, written = some_nights(truth.nights, chance)
    there = set().union(*(truth.columns_of[night] for night in nights))
    alerts_of: dict[str, int] = {}
    for night in nights:
        for name, alerts in truth.classes_of[night].items():
            alerts_of[name] = alerts_of.get(name, 0) + alerts
    classes, kept = some_classes(alerts_of, chance)
    conditions = Conditions(chance, constants, there, sorted(alerts_of)).some()
    document = {"nights": written}
    if classes:
        document["classes"] = classes
    if conditions:
        document["conditions"] = ";\n".join(map(as_user, conditions))
    return Drawn(document, nights, " AND ".join(f"({part})" for part in [kept, *map(as_sql, conditions)]))


def some_nights(nights: list[str], chance: Random) -> tuple[list[str], list[str]]:
    """A range or a set of nights, as they are and as a user writes them."""
    most = len(nights)
    size = chance.randint(1, most) if chance.random() < 0.6 else round(most ** chance.random())
    if chance.random() < 0.5:
        start = chance.randint(0, most - size)
        chosen = nights[start : start + size]
        # Days without data between them are part of such a range.
        return chosen, [chosen[0] if size == 1 else f"{chosen[0]}..{chosen[-1]}"]
    chosen = sorted(chance.sample(nights, size))
    runs: list[list[str]] = []
    for night in chosen:
        if runs and date.fromisoformat(runs[-1][-1]) + timedelta(days=1) == date.fromisoformat(night):
            runs[-1].append(night)
        else:
            runs.append([night])
    return chosen, [run[0] if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in runs]


def some_classes(alerts_of: dict[str, int], chance: Random) -> tuple[list[str], str]:
    """Classes as a user writes them, and as SQL; common ones and rare ones."""
    names = sorted(alerts_of)

    def pick(most: int) -> list[str]:
        count = min(chance.randint(1, most), len(names))
        if chance.random() < 0.5:
            return chance.sample(names, count)
        return list(dict.fromkeys(chance.choices(names, [alerts_of[name] for name in names], k=count)))

    def positive(name: str) -> str:
        return chance.choices([name, f"(SIMBAD) {name}"], [5, 1])[0]

    def negative(name: str) -> str:
        return chance.choices([f"!{name}", f"not {name}"], [3, 1])[0]

    kind = chance.choices(["all", "one", "several", "all but", "some but"], [34, 20, 20, 21, 5])[0]
    if kind == "all":
        return [], "true"
    if kind == "all but":
        without = pick(4)
        return list(map(negative, without)), f"finkclass NOT IN {listed(without)}"
    chosen = pick(1 if kind == "one" else 6)
    written, kept = list(map(positive, chosen)), f"finkclass IN {listed(chosen)}"
    if kind == "some but":
        without = pick(2)
        written += map(negative, without)
        kept += f" AND finkclass NOT IN {listed(without)}"
    return written, kept
