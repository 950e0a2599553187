"""The service that is measured: `nightferry up` on free ports of 127.0.0.1, ended by its process id."""

import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import told

START_SECONDS = 120
ANSWER_SECONDS = 900


class Service:
    """A running service."""

    def __init__(self, process: subprocess.Popen, log: Path) -> None:
        self.process, self.log, self.api = process, log, ""

    def await_ready(self) -> None:
        """Reads the address of the API from what the service says when it starts."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            lines = self.log.read_text(encoding="utf-8").splitlines()
            addresses = [line.split()[1] for line in lines if line.startswith("API ")]
            if addresses and any(line.startswith("ready") for line in lines):
                self.api = addresses[0]
                return
            time.sleep(0.02)
        raise SystemExit(f"the service did not start:\n{self.said()}")

    def ask(self, path: str, document: dict | None = None) -> tuple[int, dict | list]:
        """The status and the JSON of an answer."""
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.api + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            text = refusal.read().decode(errors="replace")
            with contextlib.suppress(ValueError):
                return refusal.code, json.loads(text)
            return refusal.code, {"detail": text}
        except OSError as error:
            raise SystemExit(f"the service does not answer {path}: {error}\n{self.said()}") from error

    def said(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])


@contextlib.contextmanager
def running(
    binary: Path, archive: Path, folder: Path, data: Path | None = None, *more: str
) -> Iterator[Service]:
    """A service over an archive, with its log, and its data unless they are elsewhere, in a folder."""
    command = [binary, "up", "--archive", archive, "--data", data or folder / "data"]
    command += ["--http", "127.0.0.1:0", "--kafka", "127.0.0.1:0", *more]
    environment = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP"}
    log = folder / "service.log"
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
    try:
        service = Service(process, log)
        service.await_ready()
        yield service
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Indexed:
    """How the index of the archive came to be."""

    nights: int
    alerts: int
    seconds: float


def await_index(service: Service, alerts: dict[str, int], began: float, deadline: float) -> Indexed | None:
    """Waits until the service says that every night is indexed; nothing if it knows no index."""
    while True:
        _, nights = service.ask("/v1/nights")
        if nights and all(isinstance(night, str) for night in nights):
            return None
        seconds = time.monotonic() - began
        indexed = [night["night"] for night in nights if night["indexed"]]
        told.progress("index", len(indexed), len(nights), "nights")
        if len(indexed) == len(nights):
            return Indexed(len(indexed), sum(alerts.get(night, 0) for night in indexed), seconds)
        if seconds > deadline:
            left = len(nights) - len(indexed)
            raise SystemExit(f"{left} nights are not indexed after {seconds:.0f} s\n{service.said()}")
        time.sleep(0.1)
