"""What a process has taken of the machine, by `/proc`."""

import os
from dataclasses import dataclass

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """CPU time and memory."""

    cpu_seconds: float
    """Of all threads, user and system."""
    peak_bytes: int
    """The most memory that was resident at once."""


def usage(process: int | str = "self") -> Usage:
    """Of a process, up to now."""
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{process}/status", encoding="utf-8") as file:
        peak = next(line for line in file if line.startswith("VmHWM:"))
    return Usage((int(fields[11]) + int(fields[12])) / TICK, int(peak.split()[1]) * 1024)
