"""The end of the server is the end of all that it started."""

import os
import signal
from pathlib import Path

import pytest
from conftest import Server, wait_for


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_function_outlives_the_server(tmp_path: Path, how: signal.Signals) -> None:
    server = Server(tmp_path / "data")
    pid = server.invoke(server.function(), {})[0]["pid"]
    assert os.path.exists(f"/proc/{pid}")
    server.process.send_signal(how)
    assert server.process.wait(10) == (0 if how == signal.SIGTERM else -signal.SIGKILL)
    wait_for("the end of the function", lambda: not os.path.exists(f"/proc/{pid}"), seconds=5)


def test_what_a_function_started_ends_with_it(server: Server) -> None:
    name = server.function(timeout=1)
    pid = server.invoke(name, {"do": "child"})[0]
    server.invoke(name, {"do": "sleep", "seconds": 60})
    wait_for("the end of the child", lambda: not os.path.exists(f"/proc/{pid}"), seconds=5)
