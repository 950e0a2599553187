"""The archive that is measured unless another is named: nights of four years, which differ in their columns."""

import subprocess
from pathlib import Path

from . import told
from .truth import alerts_of

NIGHTS = ["2020-08-01..2020-08-16", "2021-11-01..2021-11-16", "2025-09-01..2025-09-16", "2026-03-11..2026-03-26"]
NIGHTS_IN_ALL = 64
ALERTS_A_NIGHT = 50_000


def sample(binary: Path, folder: Path) -> Path:
    """Makes the archive, unless it is there whole."""
    if not is_whole(folder):
        told.say(f"making {NIGHTS_IN_ALL * ALERTS_A_NIGHT:,} sample alerts in {folder} …")
        command = [binary, "simulate", folder, "--nights", *NIGHTS, "--alerts", str(ALERTS_A_NIGHT), "--no-cutouts"]
        subprocess.run(command, check=True)
        if not is_whole(folder):
            raise SystemExit(f"{folder} holds other nights than the sample: remove it, or name it with --archive")
    return folder


def is_whole(folder: Path) -> bool:
    """Whether every night has all its alerts."""
    nights = alerts_of(folder)
    return len(nights) == NIGHTS_IN_ALL and set(nights.values()) == {ALERTS_A_NIGHT}
