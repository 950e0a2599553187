"""Tries the rule of finkclass against what Spark made of it over real alerts (`tests/golden/spark/answers.json`)."""

import json
from collections import Counter
from pathlib import Path

from . import told
from .truth import Truth

ANSWERS = Path(__file__).resolve().parents[2] / "golden" / "spark" / "answers.json"


def differences(truth: Truth) -> int:
    """How many counts by night and class differ from Spark's; says which."""
    expected: Counter = Counter()
    for alert in json.loads(ANSWERS.read_text(encoding="utf-8"))["alerts"]:
        expected[alert["night"], alert["finkclass"]] += 1
    found: Counter = Counter()
    for night, names in truth.classes_of.items():
        found.update({(night, name): alerts for name, alerts in names.items()})
    wrong = {key for key in expected.keys() | found.keys() if expected[key] != found[key]}
    for night, name in sorted(wrong):
        told.say(f"{night}, {name}: {found[night, name]} alerts, where Spark has {expected[night, name]}")
    print(f"{found.total()} alerts, {expected.total()} expected; {len(wrong)} of {len(expected)} counts differ")
    return len(wrong)
