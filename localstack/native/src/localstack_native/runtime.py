"""A process together with the Runtime API that it alone talks to."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from localstack_native.invocation import Invocation, Outcome, exited
from localstack_native.process import Process
from localstack_native.runtime_api import RuntimeApi


class Runtime:
    """From the start of a `bootstrap` to its end. One that failed or ended is not used again."""

    def __init__(self, code: Path, environment: Mapping[str, str], limit: float) -> None:
        """Starts `code/bootstrap` and waits, up to `limit` seconds, until it asks for an invocation or fails."""
        self.failure: Outcome | None = None
        """Why it did not start."""
        self._initialised = threading.Event()
        self._lock = threading.Lock()
        self._current: Invocation | None = None
        self._returncode: int | None = None
        self._process: Process | None = None
        self._api = RuntimeApi(self._initialised.set, self._on_init_error)
        began = time.monotonic()
        address = {"AWS_LAMBDA_RUNTIME_API": self._api.address}
        try:
            self._process = Process(code, {**environment, **address}, self._on_exit)
        except OSError as error:
            self._fail(Outcome.failed("Runtime.InvalidEntrypoint", f"Error: {error}"))
        if not self._initialised.wait(limit):
            self._fail(Outcome.failed("Sandbox.Timedout", f"Error: asked for no invocation within {limit:.0f} seconds"))
        if self.failure is not None:
            self.stop()
        self.init_milliseconds = (time.monotonic() - began) * 1000

    @property
    def is_alive(self) -> bool:
        """Whether it can take an invocation."""
        return self.failure is None and self._process is not None and self._process.returncode is None

    def invoke(self, invocation: Invocation) -> Outcome:
        """Passes one event through the process, which ends if its time does."""
        with self._lock:
            self._current = invocation
            if self._returncode is not None:
                self._settle_exit(invocation, self._returncode)
        self._api.hand_over(invocation)
        outcome = invocation.wait()
        self._current = None
        if invocation.timed_out:
            self.stop()
        return outcome

    def take_output(self) -> str:
        """What the process has printed and nobody has taken yet."""
        return self._process.take_output() if self._process is not None else ""

    def peak_memory_mb(self) -> int:
        """The most memory it has used; 0 if it has ended."""
        return self._process.peak_memory_mb() if self._process is not None else 0

    def stop(self) -> None:
        """Ends the process; an invocation under way fails."""
        if self._process is not None:
            self._process.kill()
        self._api.close()

    def _fail(self, failure: Outcome) -> None:
        with self._lock:
            if self.failure is None and not self._initialised.is_set():
                self.failure = failure
            self._initialised.set()

    def _on_init_error(self, error: bytes) -> None:
        self._fail(Outcome(error, is_error=True))

    def _on_exit(self, returncode: int) -> None:
        self._fail(Outcome.failed("Runtime.ExitError", exited(returncode)))
        with self._lock:
            self._returncode = returncode
            if self._current is not None:
                self._settle_exit(self._current, returncode)

    @staticmethod
    def _settle_exit(invocation: Invocation, returncode: int) -> None:
        message = f"RequestId: {invocation.request_id} {exited(returncode)}"
        invocation.settle(Outcome.failed("Runtime.ExitError", message))
