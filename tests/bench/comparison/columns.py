"""The columns of a message in SQL, for the peers that speak it: they follow from the topic's Avro schema."""

from calibration import classes

from .workloads import NIGHT, Workload

LIFTED = ["magpsf", "sigmapsf", "fid", "jd", "ra", "dec", "ssnamenr", "candid"]
"""Leaves of `candidate` that some contents have as columns of their own."""
FINKCLASS = classes.FINKCLASS.replace('"candidate.', 'candidate."')


MOMENT = "CAST({} AS STRING)"
"""A timestamp as a text, for the engines that write it as Spark does."""


def selected(schema: dict, stored: dict[str, str], quote: str, finkclass: str, moment: str = MOMENT) -> list[str]:
    """The expressions of a SELECT, in the message's order.

    `stored` are the root columns of the archive with their types in the engine's words, `quote` is what it puts around
    names, `finkclass` the rule in its words, `moment` how it writes a timestamp.
    """
    year, month, day = (int(part) for part in NIGHT.split("-"))
    derived = {"year": f"{year}", "month": f"{month}", "day": f"{day}", "finkclass": finkclass, "tnsclass": "'Unknown'"}
    expressions = []
    for field in schema["fields"]:
        name = field["name"]
        quoted = f"{quote}{name}{quote}"
        if name in derived:
            value = derived[name]
        elif name in stored:
            # Avro in the field's style has no time: moments are texts.
            value = moment.format(quoted) if stored[name].upper().startswith("TIMESTAMP") else quoted
        elif name in LIFTED:
            value = f"candidate.{quoted}"
        else:
            raise SystemExit(f"the archive has no column for {name}")
        expressions.append(f"{value} AS {quoted}")
    return expressions


def condition(workload: Workload, finkclass: str) -> str:
    """The WHERE clause."""
    parts = [workload.condition] if workload.condition else []
    if workload.classes:
        parts.append(f"{finkclass} IN {classes.listed(workload.classes)}")
    return " AND ".join(parts) or "true"
