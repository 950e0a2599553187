"""`bench-worker`, run as a process of its own, so that its CPU time is its own."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from comparison import brokers
from comparison.runners import MEMORY


@dataclass
class Worker:
    """A worker over an archive, with its rows in a folder, before a broker."""

    binaries: Path
    archive: Path
    folder: Path
    bootstrap: str

    def run(self, command: str, *more: str | Path) -> dict:
        """What a command of it prints; one that fails ends the benchmark."""
        line = [self.binaries / "bench-worker", command, "--archive", self.archive, "--folder", self.folder]
        line += ["--bootstrap", self.bootstrap, *more]
        environment = os.environ | MEMORY
        command_line = list(map(str, line))
        done = subprocess.run(command_line, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise SystemExit(f"{' '.join(command_line)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def asked(self, command: str, request: dict, *more: str) -> dict:
        """The same for a command that takes a request."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "request.json"
        file.write_text(json.dumps(request), encoding="utf-8")
        return self.run(command, "--request", file, *more)


@contextmanager
def worker(binaries: Path, archive: Path, folder: Path) -> Iterator[Worker]:
    """A worker before a broker that keeps topics in `folder` until this is over."""
    with brokers.embedded(binaries, folder / "kafka") as bootstrap:
        yield Worker(binaries, archive, folder / "rows", bootstrap)


def bytes_below(folder: Path) -> int:
    """What the files below a folder take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
