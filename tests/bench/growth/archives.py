"""Archives of many nights that take the room of one: each night is another name of the same file."""

import os
import subprocess
from datetime import date, timedelta
from pathlib import Path

FIRST = date(2020, 1, 1)


def night_folder(archive: Path, night: date) -> Path:
    """Where a night's files lie."""
    return archive / f"science/year={night.year}/month={night.month:02}/day={night.day:02}"


def simulated(nightferry: Path, folder: Path, alerts: int, cutouts: bool = False) -> list[Path]:
    """The files of a sample night."""
    archive = folder / f"drawn-{alerts}-{'with' if cutouts else 'without'}"
    command = [nightferry, "simulate", archive, "--nights", "2026-03-22", "--alerts", str(alerts), "--json"]
    subprocess.run([*command, *([] if cutouts else ["--no-cutouts"])], check=True, stdout=subprocess.DEVNULL)
    return sorted(archive.rglob("*.parquet"))


def linked(files: list[Path], archive: Path, nights: int, copies: int = 1) -> list[str]:
    """An archive of so many nights in a row, each of so many copies of the files: its nights as a request names
    them."""
    for number in range(nights):
        folder = night_folder(archive, FIRST + timedelta(days=number))
        folder.mkdir(parents=True)
        for copy in range(copies):
            for part, file in enumerate(files):
                os.link(file, folder / f"part-{copy:03}-{part:03}.parquet")
    last = FIRST + timedelta(days=nights - 1)
    return [f"{FIRST}..{last}"]
