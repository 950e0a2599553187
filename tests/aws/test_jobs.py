"""Jobs over HTTP, through API Gateway."""

import subprocess
import json
from pathlib import Path

from conftest import ALERTS, CLIENTS, ROOT, SHARED, SIMULATED, Stack, wait_for

import pytest


def objects_in(folder: Path) -> set[str]:
    """The `objectId`s in the Parquet files of a folder."""
    read = """import json, pathlib, sys, pyarrow.parquet as p
files = pathlib.Path(sys.argv[1]).rglob("*.parquet")
print(json.dumps([value for file in files for value in p.ParquetFile(file).read(["objectId"])[0].to_pylist()]))"""
    answer = subprocess.run([CLIENTS / "fink-12/bin/python", "-c", read, folder], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return set(json.loads(answer.stdout))


def test_a_job_arrives_whole_and_the_real_client_downloads_it(stack: Stack, tmp_path) -> None:
    mark = "0af7651916cd43dd8448eb211c80319c"
    job = stack.submit(SIMULATED, {"traceparent": f"00-{mark}-b7ad6b7169203331-01"}, content="Light packet")
    assert job["status"]["trace"] == mark
    ended = stack.ended(job["id"])
    topic = ended["status"]["topic"]
    assert ended["status"]["counts"]["sent"] == 3 * ALERTS == stack.receipt(job["id"])["total"]["sent"]
    stack.holds_each_once(topic, 3 * ALERTS)

    scripts = [CLIENTS / "fink-12/bin/python", ROOT / "tests/clients/download.py", "--client", "12", "--venvs", CLIENTS]
    places = ["--outdir", tmp_path / "alerts", "--home", tmp_path / "home", "--maxtimeout", "2", "--deadline", "90"]
    answer = subprocess.run(
        [*scripts, "--bootstrap", stack.readers, "--topic", topic, *places], capture_output=True, text=True
    )
    told = json.loads(answer.stdout)
    assert told["rows"] == 3 * ALERTS, answer.stdout + answer.stderr

    # What is shown of it are some of those alerts, of each night.
    status, _, sample = stack.ask("GET", f"/v1/jobs/{job['id']}/sample")
    assert status == 200 and {shown["night"] for shown in sample["alerts"]} == set(SIMULATED), sample
    downloaded = objects_in(tmp_path / "alerts")
    assert all(shown["alert"]["objectId"] in downloaded for shown in sample["alerts"])

    # The mark of the request leads through the logs of all who worked on it.
    for function in ("Submit", "Fanout", "Worker"):
        lines = [line for line in stack.log(function) if line.get("trace") == mark]
        assert lines and all(line["job"] == job["id"] for line in lines), function
    begun = [line for line in stack.log("Worker") if line.get("job") == job["id"] and line.get("message") == "task begins"]
    assert sorted(line["night"] for line in begun) == SIMULATED and all(line["attempt"] == 1 for line in begun)
    metrics = [line for line in stack.log("Worker") if "_aws" in line and line["job"] == job["id"]]
    assert sum(line["AlertsSent"] for line in metrics) == 3 * ALERTS and all(line["BytesRead"] > 0 for line in metrics)


def test_conditions_and_limits_hold(stack: Stack) -> None:
    whole = stack.submit(SIMULATED[:1], content=["candid", "candidate.magpsf"])
    bright = stack.submit(SIMULATED[:1], content=["candid", "candidate.magpsf"], conditions="candidate.magpsf < 18.5;")
    few = stack.submit(SIMULATED, limit=700)
    everything = stack.holds_each_once(stack.ended(whole["id"])["status"]["topic"], ALERTS)
    expected = {alert["candid"] for alert in everything if alert["magpsf"] < 18.5}
    assert 0 < len(expected) < ALERTS
    found = stack.holds_each_once(stack.ended(bright["id"])["status"]["topic"], len(expected))
    assert {alert["candid"] for alert in found} == expected
    stack.holds_each_once(stack.ended(few["id"])["status"]["topic"], 700)


def test_an_estimate_counts_the_conditions(stack: Stack) -> None:
    status, _, estimate = stack.ask("POST", "/v1/estimates", {"nights": SIMULATED})
    assert status == 200 and estimate["exact"] and estimate["alerts"] == 3 * ALERTS
    _, _, none = stack.ask("POST", "/v1/estimates", {"nights": SIMULATED, "conditions": "candidate.magpsf < 0"})
    assert none["alerts"] == 0


def test_a_bad_request_is_told_as_a_problem_with_its_place(stack: Stack) -> None:
    wrong = {"nights": SIMULATED, "conditions": "candidate.magpfs < 18;"}
    for path in ("/v1/jobs", "/v1/estimates"):
        status, kind, problem = stack.ask("POST", path, wrong)
        assert (status, kind) == (422, "application/problem+json")
        assert "magpsf" in problem["problems"][0]["instead"] and "line 1" in problem["problems"][0]["place"]
    for method, path, expected in (
        ("GET", "/v1/jobs/0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11", 404),
        ("GET", "/v1/jobs/nonsense", 404),
        ("GET", "/v1/nowhere", 404),
        ("POST", "/v1/jobs", 422),
    ):
        status, kind, _ = stack.ask(method, path, "{" if method == "POST" else None)
        assert (status, kind) == (expected, "application/problem+json"), path


def test_the_archive_and_the_service_are_told_of(stack: Stack) -> None:
    assert set(SIMULATED) <= set(stack.nights())
    assert stack.ask("GET", "/v1/health")[2]["bootstrap"] == stack.readers
    assert "/v1/jobs" in stack.ask("GET", "/v1/openapi.json")[2]["paths"]
    status, _, service = stack.ask("GET", "/v1/service")
    assert status == 200 and service["bootstrap"] == stack.readers and service["retention_seconds"] == 7 * 86_400
    # As the template limits them.
    limits = {name: most for name, most in service["limits"].items() if most is not None}
    assert limits == {"job_nights": 400, "job_alerts": 50_000_000, "day_alerts": 100_000_000}
    status, _, functions = stack.ask("GET", "/v1/functions")
    assert status == 200 and "log10" in [function["name"] for function in functions]


def test_a_job_is_cancelled_and_what_was_sent_is_accounted_for(stack: Stack) -> None:
    job = stack.submit(SIMULATED, pace={"alerts_per_second": 50})
    wait_for("some alerts", lambda: stack.job(job["id"])["status"]["counts"]["sent"] > 20)
    status, _, _ = stack.ask("DELETE", f"/v1/jobs/{job['id']}")
    assert status == 200
    topic = stack.ended(job["id"], "cancelled")["status"]["topic"]
    sent = stack.receipt(job["id"])["total"]["sent"]
    assert 20 < sent < ALERTS
    stack.holds_each_once(topic, sent)
    # What is left of it can be had later, in the same topic.
    assert stack.ask("POST", f"/v1/jobs/{job['id']}/retry")[0] == 200
    stack.ended(job["id"])
    stack.holds_each_once(topic, 3 * ALERTS)
    assert topic == stack.ask("GET", f"/v1/topics/{topic}")[2]["status"]["topic"]
    assert job["id"] in [listed["id"] for listed in stack.ask("GET", "/v1/jobs")[2]]


@pytest.mark.with_shared
def test_real_nights_arrive_as_they_are_in_the_archive(stack: Stack) -> None:
    assert (SHARED / "archive/ztf/science").is_dir(), f"{SHARED} is missing: `-m 'not with_shared'` leaves this out"
    stack.deploy("archive", str(SHARED / "archive/ztf"))
    nights = ["2025-09-01", "2025-09-02", "2025-09-03", "2026-03-22"]
    count = "import glob, sys, pyarrow.parquet as p; print(sum(p.read_metadata(f).num_rows for f in sys.argv[1:]))"
    files = [
        file
        for night in nights
        for file in (SHARED / "archive/ztf/science").glob("year={}/month={}/day={}/*.parquet".format(*night.split("-")))
    ]
    counted = subprocess.run([CLIENTS / "fink-12/bin/python", "-c", count, *files], capture_output=True, text=True)
    job = stack.submit(nights, content="Full packet")
    topic = stack.ended(job["id"])["status"]["topic"]
    alerts = stack.holds_each_once(topic, int(counted.stdout))
    assert all(alert["cutoutScience"]["stampData"] for alert in alerts)
