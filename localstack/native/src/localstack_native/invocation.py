"""An invocation under way and its outcome, with the names that AWS has for failures."""

import json
import signal
import threading
import time
from dataclasses import dataclass, field

MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
"""What AWS takes as a synchronous response."""


@dataclass(frozen=True)
class Outcome:
    """What the caller gets."""

    payload: bytes
    is_error: bool

    @classmethod
    def failed(cls, error_type: str, message: str) -> "Outcome":
        """An error that the environment, not the function, reports."""
        return cls(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), is_error=True)


@dataclass
class Invocation:
    """An event on its way through the function. The first outcome counts."""

    request_id: str
    function_arn: str
    trace_id: str
    event: bytes
    timeout: int
    timed_out: bool = False
    started: float = field(default_factory=time.time)
    _outcome: Outcome | None = None
    _settled: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def deadline_ms(self) -> int:
        """When the function's time ends, in milliseconds since 1970."""
        return round((self.started + self.timeout) * 1000)

    @property
    def is_settled(self) -> bool:
        """Whether there is an outcome; later ones are dropped."""
        return self._settled.is_set()

    def settle(self, outcome: Outcome) -> bool:
        """Sets the outcome; false if there was one."""
        with self._lock:
            if self.is_settled:
                return False
            self._outcome = outcome
            self._settled.set()
            return True

    def wait(self) -> Outcome:
        """The outcome, which is a time-out once the function's time has ended."""
        self._settled.wait(max(0.0, self.started + self.timeout - time.time()))
        message = f"RequestId: {self.request_id} Error: Task timed out after {self.timeout}.00 seconds"
        self.timed_out = self.settle(Outcome.failed("Sandbox.Timedout", message))
        assert self._outcome is not None
        return self._outcome


def exited(returncode: int) -> str:
    """What AWS says of a process that ended by itself."""
    if returncode == 0:
        return "Error: Runtime exited without providing a reason"
    how = f"signal: {signal.Signals(-returncode).name}" if returncode < 0 else f"exit status {returncode}"
    return f"Error: Runtime exited with error: {how}"
