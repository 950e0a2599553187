"""Random conditions, such as users write them, in constructs that mean the same in Spark and in DuckDB.

A condition is text with its columns in braces: `{candidate.magpsf} > 19.5`. Without the braces it is what nightferry is
asked; with the braces as quotes it is SQL over the narrow table of `truth`.
"""

import re
from random import Random

from .classes import listed, quoted
from .columns import CALCULATED, NUMBERS

COLUMN = re.compile(r"\{([^}]*)\}")
HOSTS = ["Unknown", "Galaxy", "QSO", "AGN"]


def as_user(condition: str) -> str:
    """What nightferry is asked."""
    return COLUMN.sub(lambda found: f"({found[1]})" if " - " in found[1] else found[1], condition)


def as_sql(condition: str) -> str:
    """What DuckDB is asked."""
    return COLUMN.sub(lambda found: f'"{found[1]}"', condition)


def columns_of(condition: str) -> set[str]:
    """The columns of a condition."""
    return set(COLUMN.findall(condition))


class Conditions:
    """Draws conditions over some columns."""

    def __init__(self, chance: Random, constants: dict[str, list[float]], there: set[str], labels: list[str]) -> None:
        self.chance, self.constants, self.there, self.labels = chance, constants, there, labels

    def some(self) -> list[str]:
        """None to three conditions, to be ANDed."""
        count = self.chance.choices([0, 1, 2, 3], [15, 40, 28, 17])[0]
        return [self.one() for _ in range(count)]

    def one(self) -> str:
        """A condition: mostly a plain one, else some joined by AND, OR and NOT."""
        shapes = {
            "{0}": 68, "NOT ({0})": 8, "({0} OR {1})": 10, "{0} AND {1}": 4, "NOT ({0} OR {1})": 3,
            "({0} OR ({1} AND {2}))": 4, "NOT ({0} AND {1})": 3,
        }  # fmt: skip
        shape = self.chance.choices(list(shapes), list(shapes.values()))[0]
        return shape.format(*(self.plain() for _ in range(shape.count("{"))))

    def plain(self) -> str:
        """A condition without AND, OR and NOT, over columns that some of the nights have."""
        kinds = {
            self.bound: 34, self.between: 12, self.few: 14, self.score: 12, self.calculated: 8, self.sky: 7,
            self.text: 13,
        }  # fmt: skip
        while True:
            found = self.chance.choices(list(kinds), list(kinds.values()))[0]()
            if columns_of(found) <= self.there:
                return found

    def number(self, names: dict[str, int]) -> str:
        """The name of a number that some of the nights have."""
        return self.chance.choice([name for name in names if name in self.there and name in self.constants])

    def constant(self, name: str, place: float) -> str:
        """A constant at a place (0 to 1) of those known of a column, rounded as a user would."""
        values = self.constants[name]
        value = round(values[round(place * (len(values) - 1))], (NUMBERS | CALCULATED)[name])
        return str(value) if (NUMBERS | CALCULATED)[name] else str(int(value))

    def place(self) -> float:
        """Mostly in the middle, at times near an end: what nearly all alerts pass, or hardly any."""
        edge = self.chance.uniform(0, 0.05)
        return self.chance.choices([self.chance.random(), edge, 1 - edge], [6, 1, 1])[0]

    def bound(self, names: dict[str, int] = NUMBERS) -> str:
        """A number above or below a constant."""
        name = self.number(names)
        return f"{{{name}}} {self.chance.choice(['>', '>=', '<', '<='])} {self.constant(name, self.place())}"

    def between(self) -> str:
        """A number between two constants."""
        name = self.number(NUMBERS)
        width = self.chance.choice([0.02, 0.1, 0.3, 0.6, 0.9])
        start = self.chance.uniform(0, 1 - width)
        return f"{{{name}}} BETWEEN {self.constant(name, start)} AND {self.constant(name, start + width)}"

    def calculated(self) -> str:
        """A difference above or below a constant."""
        return self.bound(CALCULATED)

    def few(self) -> str:
        """A whole number of which there are few."""
        band = self.chance.choice([1, 2])
        return self.chance.choice([
            f"{{candidate.fid}} = {band}",
            f"{{candidate.fid}} = {band}",
            "{candidate.fid} IN (1, 2)",
            f"{{roid}} = {self.chance.choice([0, 1, 2, 3])}",
            f"{{roid}} != {self.chance.choice([0, 1, 2, 3])}",
            f"{{candidate.nneg}} <= {self.chance.randrange(15)}",
            f"{{candidate.nbad}} = {self.chance.randrange(3)}",
            f"{{candidate.nmatches}} = {self.chance.randrange(3)}",
            f"{{candidate.rcid}} IN ({', '.join(str(self.chance.randrange(64)) for _ in range(3))})",
            f"{{candidate.field}} = {self.chance.randrange(800)}",
            f"{{candidate.ndethist}} >= {self.chance.choice([2, 5, 20, 100, 300])}",
            f"{{candidate.ndethist}} = {self.chance.randrange(1, 30)}",
            f"{{nalerthist}} > {self.chance.randrange(1, 45)}",
            "{gaiaVarFlag} = 1",
            f"{{day}} <= {self.chance.randrange(1, 27)}",
            f"{{year}} >= {self.chance.choice([2020, 2021, 2025, 2026])}",
        ])  # fmt: skip

    def score(self) -> str:
        """A score, as the field's own examples use them."""
        threshold = self.chance.choice([0.1, 0.3, 0.5, 0.6, 0.8])
        return self.chance.choice([
            f"{{rf_snia_vs_nonia}} > {threshold}",
            f"{{snn_snia_vs_nonia}} > {threshold}",
            f"{{snn_sn_vs_all}} > {threshold}",
            f"{{rf_kn_vs_nonkn}} > {threshold}",
            f"{{mulens}} > {threshold}",
            f"{{candidate.drb}} > {threshold}",
            f"{{candidate.rb}} > {threshold}",
            f"{{candidate.classtar}} > {threshold}",
            f"{{anomaly_score}} < {-threshold}",
        ])  # fmt: skip

    def sky(self) -> str:
        """A box on the sky, a degree to a third of the sky wide; one on whose edge the right ascension wraps round."""
        size = self.chance.choice([1, 3, 10, 30, 120])
        ra, dec = round(self.chance.uniform(0, 360 - size), 1), round(self.chance.uniform(-30, 60), 1)
        declination = f"{{candidate.dec}} BETWEEN {dec} AND {round(dec + size / 2, 1)}"
        if self.chance.random() < 0.2:
            return f"({{candidate.ra}} > {360 - size} OR {{candidate.ra}} < {size}) AND {declination}"
        return f"{{candidate.ra}} BETWEEN {ra} AND {round(ra + size, 1)} AND {declination}"

    def text(self) -> str:
        """Text."""
        labels = self.chance.sample(self.labels, min(len(self.labels), self.chance.randint(1, 3)))
        return self.chance.choice([
            "{candidate.isdiffpos} = 't'",
            "{candidate.isdiffpos} = 'f'",
            "{candidate.ssnamenr} != 'null'",
            f"{{cdsxmatch}} = {quoted(labels[0])}",
            f"{{cdsxmatch}} = {quoted(self.chance.choice(HOSTS))}",
            f"{{cdsxmatch}} != {quoted(labels[0])}",
            f"{{cdsxmatch}} IN {listed(labels)}",
            f"{{cdsxmatch}} NOT IN {listed([*labels, 'Unknown'])}",
            "{cdsxmatch} LIKE '%Candidate'",
            f"{{objectId}} LIKE 'ZTF{self.chance.choice([17, 18, 19, 20, 21, 25, 26])}%'",
            f"{{objectId}} LIKE '%{self.chance.choice('abcdefghij')}{self.chance.choice('klm')}'",
            "{tracklet} IS NOT NULL",
            "{DR3Name} LIKE 'Gaia%'",
            "{DR3Name} IS NULL",
            f"{{finkclass}} = {quoted(self.chance.choice(self.labels))}",
            "{finkclass} != 'Unknown'",
        ])  # fmt: skip
