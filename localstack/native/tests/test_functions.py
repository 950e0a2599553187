"""What a function may expect, and what its caller learns."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Server, wait_for


def test_an_environment_is_used_again(server: Server) -> None:
    name = server.function()
    first, _ = server.invoke(name, {})
    second, _ = server.invoke(name, {})
    assert (first["pid"], first["count"] + 1) == (second["pid"], second["count"])


def test_concurrent_events_get_environments_of_their_own(server: Server) -> None:
    name = server.function()
    with ThreadPoolExecutor() as callers:
        began = time.monotonic()
        answers = list(callers.map(lambda _: server.invoke(name, {"do": "sleep", "seconds": 2}), range(3)))
        assert time.monotonic() - began < 5
    assert len({answer["pid"] for answer, _ in answers}) == 3


def test_more_than_the_reserved_concurrency_is_refused(server: Server) -> None:
    name = server.function()
    functions = server.client("lambda")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)

    def is_refused(_: int) -> bool:
        try:
            server.invoke(name, {"do": "sleep", "seconds": 3})
        except functions.exceptions.TooManyRequestsException:
            return True
        return False

    with ThreadPoolExecutor() as callers:
        assert sorted(callers.map(is_refused, range(3))) == [False, False, True]


def test_a_function_sees_its_own_variables_and_none_of_the_servers(server: Server) -> None:
    name = server.function({"CHOSEN": "a b", "PATH": "/opt/mine"})
    environment = server.invoke(name, {})[0]["environment"]
    assert (environment["CHOSEN"], environment["PATH"]) == ("a b", "/opt/mine")
    assert environment["AWS_ENDPOINT_URL"] == server.endpoint
    assert environment["AWS_REGION"] == "eu-west-3"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == name
    allowed = {"CHOSEN", "PATH", "LANG", "HOME", "TMPDIR", "TZ", "PWD", "SHLVL", "_", "_HANDLER", "LC_CTYPE"}
    others = {key for key in environment if not key.startswith(("AWS_", "LAMBDA_"))} - allowed
    assert not others


def test_time_runs_out_with_the_process(server: Server) -> None:
    name = server.function(timeout=1)
    before, _ = server.invoke(name, {})
    assert 0 < before["deadline"] <= 1000
    answer, is_error = server.invoke(name, {"do": "sleep", "seconds": 60})
    assert is_error
    assert answer["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in answer["errorMessage"]
    assert not os.path.exists(f"/proc/{before['pid']}")
    after, is_error = server.invoke(name, {})
    assert not is_error and after["count"] == 1


def test_an_error_of_the_function_reaches_the_caller(server: Server) -> None:
    name = server.function()
    assert server.invoke(name, {"do": "raise", "text": "bad night"}) == (
        {"errorType": "ValueError", "errorMessage": "bad night"},
        True,
    )
    assert server.invoke(name, {})[0]["count"] == 2


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"do": "exit", "code": 101}, "exit status 101"),
        ({"do": "signal"}, "signal: SIGABRT"),
        ({"do": "exit", "code": 0}, ""),
    ],
)
def test_a_crash_reaches_the_caller_and_the_next_event_a_new_process(server: Server, event: dict, told: str) -> None:
    name = server.function()
    answer, is_error = server.invoke(name, event)
    assert is_error and answer["errorType"] == "Runtime.ExitError" and told in answer["errorMessage"]
    assert server.invoke(name, {})[0]["count"] == 1


def test_a_process_that_ended_between_events_is_replaced(server: Server) -> None:
    name = server.function()
    pid = server.invoke(name, {"do": "exit when idle"})[0]["pid"]
    wait_for("its end", lambda: not os.path.exists(f"/proc/{pid}"))
    answer, is_error = server.invoke(name, {})
    assert not is_error and answer["count"] == 1


@pytest.mark.parametrize(("start", "error_type"), [("error", "Bad.Start"), ("exit", "Runtime.ExitError")])
def test_a_failed_start_reaches_the_caller_and_the_log(server: Server, start: str, error_type: str) -> None:
    name = server.function({"START": start})
    for _ in range(2):
        answer, is_error = server.invoke(name, {})
        assert is_error and answer["errorType"] == error_type
    wait_for("the log", lambda: server.log(name).count("hello from the start") == 2)


def test_what_cannot_be_executed_is_told(server: Server) -> None:
    name = server.function(bootstrap="#!/no/such/interpreter\n")
    answer, is_error = server.invoke(name, {})
    assert is_error and answer["errorType"].startswith("Runtime.")


def test_the_log_holds_what_was_printed_between_start_and_report(server: Server) -> None:
    name = server.function()
    server.invoke(name, {"do": "print", "text": "über 17 alerts"})
    server.invoke(name, {"do": "exit", "code": 3})
    log = wait_for("the log", lambda: (text := server.log(name)).count("REPORT") == 2 and text)
    lines = [line.split(" RequestId")[0] for line in log.splitlines()]
    assert lines == [
        "START",
        "hello from the start",
        "über 17 alerts",
        "END",
        "REPORT",
        "START",
        "last words",
        "END",
        "REPORT",
    ]
    assert "Init Duration" in log.splitlines()[4] and "Init Duration" not in log.splitlines()[8]
    assert "Max Memory Used: 0 MB" not in log.splitlines()[4]


def test_a_response_over_six_megabytes_is_refused(server: Server) -> None:
    name = server.function()
    assert server.invoke(name, {"do": "large", "bytes": 6 * 1024 * 1024})[1] is False
    answer, is_error = server.invoke(name, {"do": "large", "bytes": 7_000_000})
    assert is_error and answer["errorType"] == "Function.ResponseSizeTooLarge"


def test_events_pass_unchanged(server: Server) -> None:
    value = {"text": "Ångström ☄ \u0000", "large": "x" * 500_000, "numbers": [1.5, None, True]}
    assert server.invoke(server.function(), {"do": "echo", "value": value}) == (value, False)
