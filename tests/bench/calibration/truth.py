"""What is true: the archive's own files, counted by DuckDB.

The columns that matter are copied once into a narrow table, numbers as DOUBLE, so that a condition means there what it
means in Spark: a float against a decimal constant is compared as doubles. A column that a file lacks is NULL.
"""

import re
from pathlib import Path

import duckdb

from . import classes, columns, told

# Where in the order of its values a constant may lie: dense in the middle, with both tails.
TAIL = [1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]
PLACES = sorted(TAIL + [step / 200 for step in range(1, 200)] + [1 - place for place in TAIL])
# Alerts by night and class.
Counts = list[tuple[str, str, int]]

NIGHT = re.compile(r"year=(\d+)/month=(\d+)/day=(\d+)/[^/]+\.parquet$")


def files_of(archive: Path) -> dict[str, str]:
    """The Parquet files of an archive, each with its night."""
    found = {}
    for path in sorted((archive / "science").glob("year=*/month=*/day=*/*.parquet")):
        if not path.name.startswith((".", "_")) and (match := NIGHT.search(path.as_posix())):
            year, month, day = map(int, match.groups())
            found[str(path)] = f"{year:04}-{month:02}-{day:02}"
    return found


def alerts_of(archive: Path) -> dict[str, int]:
    """The alerts of each night, from the footers."""
    nights: dict[str, int] = {}
    files = files_of(archive)
    query = "SELECT file_name, num_rows FROM parquet_file_metadata(?)"
    for path, rows in duckdb.execute(query, [list(files)]).fetchall() if files else []:
        nights[files[path]] = nights.get(files[path], 0) + rows
    return nights


class Truth:
    """The narrow table of an archive."""

    def __init__(self, archive: Path, folder: Path, threads: int) -> None:
        self.duck = duckdb.connect(folder / "truth.duckdb")
        self.duck.execute(f"SET threads = {threads}; SET memory_limit = '4GB'; SET temp_directory = '{folder}'")
        self.files = files_of(archive)
        if not self.files:
            raise SystemExit(f"{archive} holds no nights: science/year=…/month=…/day=…/*.parquet")
        self.nights = sorted(set(self.files.values()))
        self.columns_of: dict[str, set[str]] = {}
        self._fill()
        query = "SELECT night, finkclass, count(*) FROM alerts GROUP BY ALL ORDER BY ALL"
        self.classes_of: dict[str, dict[str, int]] = {night: {} for night in self.nights}
        for night, name, alerts in self.duck.execute(query).fetchall():
            self.classes_of[night][name] = alerts

    def _fill(self) -> None:
        """Copies the files, those of the same columns at once."""
        alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for path in self.files:
            alike.setdefault(self._types(path), []).append(path)
        self.duck.execute("CREATE TABLE files (path VARCHAR, night VARCHAR)")
        self.duck.executemany("INSERT INTO files VALUES (?, ?)", list(self.files.items()))
        done, began = 0, False
        for types, paths in alike.items():
            there = dict(types)
            for night in {self.files[path] for path in paths}:
                self.columns_of.setdefault(night, set()).update(there, columns.DERIVED, self._calculable(there))
            for start in range(0, len(paths), 16):
                some = paths[start : start + 16]
                verb = "INSERT INTO alerts" if began else "CREATE TABLE alerts AS"
                self.duck.execute(f"{verb} {self._select(there)}", [some])
                done, began = done + len(some), True
                told.progress("narrow table", done, len(self.files), "files")

    def _types(self, path: str) -> tuple[tuple[str, str], ...]:
        """The columns of a file that matter, with their types."""
        read = f"FROM read_parquet({classes.quoted(path)}, hive_partitioning = false)"
        root = {name: kind for name, kind, *_ in self.duck.execute(f"DESCRIBE SELECT * {read}").fetchall()}
        if "candidate" in root:
            leaves = self.duck.execute(f"DESCRIBE SELECT candidate.* {read}").fetchall()
            root |= {f"candidate.{name}": kind for name, kind, *_ in leaves}
        return tuple(sorted((name, root[name]) for name in self._wanted() if name in root))

    @staticmethod
    def _wanted() -> list[str]:
        """The columns of the files that matter."""
        numbers = [*columns.NUMBERS, *columns.FEW, *classes.NUMBERS]
        return list(dict.fromkeys([*numbers, *columns.TEXTS, *classes.TEXTS]))

    @staticmethod
    def _calculable(there: dict[str, str]) -> list[str]:
        """The differences whose two sides are there."""
        return [name for name in columns.CALCULATED if all(part in there for part in name.split(" - "))]

    def _select(self, there: dict[str, str]) -> str:
        """The narrow columns of files that have the columns `there`."""

        def leaf(name: str) -> str:
            return ".".join(f'"{part}"' for part in name.split("."))

        narrow = []
        for name in self._wanted():
            kind = "VARCHAR" if name in columns.TEXTS or name in classes.TEXTS else "DOUBLE"
            narrow.append(f'{leaf(name) if name in there else "NULL"}::{kind} AS "{name}"')
        for difference in columns.CALCULATED:
            known = difference in self._calculable(there)
            value = " - ".join(map(leaf, difference.split(" - "))) if known else "NULL"
            narrow.append(f'({value})::DOUBLE AS "{difference}"')
        dated = ", ".join(f"{part}(night::DATE)::DOUBLE AS {part}" for part in ("year", "month", "day"))
        return (
            f"SELECT *, {dated}, {classes.FINKCLASS} AS finkclass"
            f" FROM (SELECT night, {', '.join(narrow)}"
            " FROM read_parquet(?, hive_partitioning = false, filename = 'file') JOIN files ON file = path)"
        )

    def constants(self) -> dict[str, list[float]]:
        """Values of each number, at `PLACES` in their order; only of those that have any."""
        found = {}
        names = [*columns.NUMBERS, *columns.CALCULATED]
        for done, name in enumerate(names):
            query = f'SELECT quantile_disc("{name}", {PLACES}) FROM alerts'
            values = self.duck.execute(query).fetchone()[0]
            if values and values[0] is not None:
                found[name] = values
            told.progress("constants", done + 1, len(names), "columns")
        return found

    def count(self, nights: list[str], kept: str) -> Counts:
        """The alerts of `nights` that `kept` (SQL over the narrow table) holds for."""
        query = f"SELECT night, finkclass, count(*) FROM alerts WHERE night IN {classes.listed(nights)} AND ({kept})"
        return self.duck.execute(f"{query} GROUP BY ALL").fetchall()
