"""The child process of an execution environment."""

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The kernel ends a child when the *thread* that started it ends: one that lives as long as the server starts them all.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lambda-starter")
_SETPRIV = shutil.which("setpriv")
_CHUNK = 64 * 1024


class Process:
    """A started `bootstrap` with all it starts itself. Does not outlive the server, however that ends."""

    def __init__(self, code: Path, environment: Mapping[str, str], on_exit: Callable[[int], None]) -> None:
        """Starts `code/bootstrap` with this environment and nothing of the server's. Raises OSError if it cannot.

        `on_exit` gets the return code as subprocess has it: below 0 for a signal.
        """
        self._output = b""
        self._output_lock = threading.Lock()
        self._on_exit = on_exit
        self._child = _starter.submit(self._start, code, environment).result()
        assert self._child.stdout is not None
        self._pipe = self._child.stdout.fileno()
        os.set_blocking(self._pipe, False)
        threading.Thread(target=self._watch, daemon=True, name=f"lambda-{self._child.pid}").start()

    @staticmethod
    def _start(code: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        bootstrap = code / "bootstrap"
        if not os.access(bootstrap, os.X_OK):
            raise FileNotFoundError(f"no executable {bootstrap.name} in the function's package")
        command = [str(bootstrap)]
        if _SETPRIV is not None:
            command = [_SETPRIV, "--pdeathsig", "KILL", "--", *command]
        return subprocess.Popen(
            command,
            cwd=code,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def returncode(self) -> int | None:
        """As subprocess has it; None while it runs."""
        return self._child.poll()

    def take_output(self) -> str:
        """All that was written until now and not taken before: what precedes a response is there with the response."""
        with self._output_lock:
            self._read()
            output, self._output = self._output, b""
        return output.decode("utf-8", "replace")

    def peak_memory_mb(self) -> int:
        """The most memory it has used, in MB; 0 where the system does not tell."""
        with contextlib.suppress(OSError):
            peak = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{self._child.pid}/status").read_text())
            if peak is not None:
                return -(-int(peak[1]) // 1024)
        return 0

    def kill(self) -> None:
        """Ends it with all it started, and waits."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def _read(self) -> bool:
        """Takes in what the pipe holds; false at its end."""
        while True:
            try:
                chunk = os.read(self._pipe, _CHUNK)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not chunk:
                return False
            self._output += chunk

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        while self._child.poll() is None:
            # The pipe does not tell: what it started may keep it open, and it may have closed its own end.
            if poll.poll(20):
                with self._output_lock:
                    if not self._read():
                        break
        self._child.wait()
        with self._output_lock:
            self._read()
        self._on_exit(self._child.returncode)
