"""Asks the service for its estimate of a request and sets it beside the truth."""

import time
from dataclasses import asdict, dataclass, field

from .draw import Drawn
from .service import Service
from .truth import Counts, Truth


@dataclass
class Coverage:
    """How often parts of an answer (its nights, its classes) hold the truth in their intervals."""

    # Parts that have an interval.
    parts: int = 0
    inside: int = 0
    # The same without those that were counted and those of which there is nothing.
    uncertain: int = 0
    uncertain_inside: int = 0
    # Parts that the answer does not name although alerts of them pass, and those alerts.
    unnamed: int = 0
    unnamed_alerts: int = 0

    def add(self, other: "Coverage") -> None:
        """Adds up."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Answered:
    """A request, the truth and the estimate."""

    number: int
    request: dict
    truth: int
    estimate: int
    low: int
    high: int
    exact: bool
    seconds: float
    # |estimate − truth| as a share of the truth; where nothing passes, alerts.
    error: float
    width: float
    nights: Coverage
    classes: Coverage
    # What the answer states as a fact and is none.
    wrong: list[str] = field(default_factory=list)

    @property
    def inside(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


def ask(service: Service, truth: Truth, number: int, drawn: Drawn, counted: Counts) -> Answered:
    """The estimate of a request, beside what DuckDB counted."""
    began = time.perf_counter()
    status, answer = service.ask("/v1/estimates", drawn.document)
    seconds = time.perf_counter() - began
    if status != 200:
        wrong = [f"refused with {status}: {answer}"]
        answer = {"alerts": 0, "alerts_low": 0, "alerts_high": 0, "exact": False, "nights": []}
    else:
        in_nights = sum(sum(truth.classes_of[night].values()) for night in drawn.nights)
        wrong = stated(answer, in_nights)
    whole = sum(alerts for _, _, alerts in counted)
    if answer["exact"] and answer["alerts"] != whole:
        wrong.append(f"exact, but {answer['alerts']} are not {whole}")
    by_night = {night: sum(alerts for at, _, alerts in counted if at == night) for night in drawn.nights}
    by_class: dict[str, int] = {}
    for _, name, alerts in counted:
        by_class[name] = by_class.get(name, 0) + alerts
    nights = cover(answer.get("nights") or [], "night", by_night, wrong)
    classes = cover(answer.get("classes") or [], "class", by_class, wrong)
    estimate, low, high = answer["alerts"], answer["alerts_low"], answer["alerts_high"]
    return Answered(
        number, drawn.document, whole, estimate, low, high, answer["exact"], seconds,
        abs(estimate - whole) / max(whole, 1), (high - low) / max(whole, 1), nights, classes, wrong,
    )  # fmt: skip


def stated(answer: dict, in_nights: int) -> list[str]:
    """Facts of an answer that contradict the archive or each other."""
    wrong = []
    if answer["alerts_in_nights"] != in_nights:
        wrong.append(f"alerts_in_nights: {answer['alerts_in_nights']} are not {in_nights}")
    if not answer["alerts_low"] <= answer["alerts"] <= answer["alerts_high"]:
        wrong.append(f"{answer['alerts']} are not from {answer['alerts_low']} to {answer['alerts_high']}")
    if answer.get("unreadable"):
        wrong.append(f"unreadable: {answer['unreadable']}")
    return wrong


def cover(parts: list[dict], key: str, true: dict[str, int], wrong: list[str]) -> Coverage:
    """How many of the parts hold the truth; those that are exact and do not are told in `wrong`."""
    found = Coverage()
    for part in parts:
        name, alerts, exact = part[key], true.get(part[key], 0), part.get("exact", False)
        if exact and part["alerts"] != alerts:
            wrong.append(f"{name}: exact, but {part['alerts']} are not {alerts}")
        if "alerts_low" not in part:
            continue
        inside = part["alerts_low"] <= alerts <= part["alerts_high"]
        found.parts += 1
        found.inside += inside
        if not exact and alerts:
            found.uncertain += 1
            found.uncertain_inside += inside
    named = {part[key] for part in parts}
    unnamed = [alerts for name, alerts in true.items() if alerts and name not in named]
    found.unnamed, found.unnamed_alerts = len(unnamed), sum(unnamed)
    return found
