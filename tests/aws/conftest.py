"""The service on an AWS and a Kafka of this machine, for the session.

Without AWS_ENDPOINT_URL both are started here: LocalStack with functions as child processes, and Apache Kafka, to which
the functions log in by SCRAM while readers come without a name. With it (and KAFKA_BOOTSTRAP) the suite deploys to what is
there, such as that of `localstack/compose.yaml`.
"""

import contextlib
import datetime
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("NIGHTFERRY_SHARED", ROOT / ".." / "shared"))
CLIENTS = Path(os.environ.get("NIGHTFERRY_CLIENTS", Path.home() / ".cache/nightferry/clients"))
PACKAGES = Path(os.environ.get("NIGHTFERRY_PACKAGES", ROOT / "target" / "lambda"))
SIMULATED = ["2025-10-11", "2025-10-12", "2025-10-13"]
ALERTS = 600
POISON = "2025-10-20"
# What precedes `science/` where nights are rewritten: beside the archive, in its bucket.
FAST = "fast/"
LAST_NIGHT = (datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(1)).isoformat()


def wait_for(what: str, condition: Callable[[], T], seconds: float = 60) -> T:
    """The first true value of the condition, within the time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)
    return value


def free_port() -> int:
    """A port that nobody listens on."""
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(port: int) -> bool:
    """Whether somebody listens on a port."""
    with contextlib.closing(socket.socket()) as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def fetch(request: urllib.request.Request) -> tuple[int, Message, str]:
    """Status, headers and text of an answer, whatever it says."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


class Servers:
    """LocalStack and Kafka, ended with the session."""

    def __init__(self, data: Path) -> None:
        """Starts both."""
        self.processes: list[subprocess.Popen[bytes]] = []
        aws, self.readers, self.scram = free_port(), free_port(), free_port()
        environment = os.environ | {"KAFKA_USERS": "ferry:s3cret"}
        ports = ["--port", str(self.readers), "--scram", "--scram-port", str(self.scram)]
        self._start([ROOT / "localstack/kafka/run", "--data", data / "kafka", *ports], data / "kafka.log", environment)
        self._start([ROOT / "localstack/native/run", "--data", data / "aws", "--port", str(aws)], data / "aws.log")
        self.endpoint = f"http://127.0.0.1:{aws}"
        self.log = data / "aws.log"

    def ready(self) -> None:
        """Waits until both answer; they may have to be installed first."""
        wait_for("LocalStack", lambda: self._live() and "Ready." in self.log.read_text(), 600)
        wait_for("Kafka", lambda: self._live() and answers(self.scram) and answers(self.readers), 600)

    def _start(self, command: list[Any], log: Path, environment: dict[str, str] | None = None) -> None:
        with log.open("wb") as output:
            self.processes.append(
                subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment)
            )

    def _live(self) -> bool:
        assert all(process.poll() is None for process in self.processes), "a server has ended"
        return True

    def end(self) -> None:
        """By their process ids."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(30)


class Stack:
    """The deployed service, as its users and its operators reach it."""

    def __init__(self, name: str, endpoint: str) -> None:
        """Of a stack that is deployed, or will be, to the AWS at this address."""
        self.name, self.endpoint = name, endpoint
        self.readers = os.environ.get("KAFKA_READERS") or os.environ["KAFKA_BOOTSTRAP"]
        self.outputs: dict[str, str] = {}

    def client(self, service: str) -> Any:
        """A client of one service."""
        return boto3.client(service, endpoint_url=self.endpoint, region_name=os.environ["AWS_REGION"])

    def deploy(self, *arguments: str) -> Any:
        """Runs the deploy script; what it printed."""
        command = [ROOT / "localstack/deploy", *arguments, "--stack", self.name]
        environment = os.environ | {"AWS_ENDPOINT_URL": self.endpoint}
        answer = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def keep_login(self) -> str:
        """Keeps the login of the functions as a secret; its ARN."""
        login = json.dumps({"username": "ferry", "password": "s3cret"})
        return self.client("secretsmanager").create_secret(Name=f"{self.name}-kafka", SecretString=login)["ARN"]

    def optimizing(self) -> dict[str, str]:
        """The parameters with which nights are rewritten beside the archive, when somebody says so."""
        account = self.client("sts").get_caller_identity()["Account"]
        bucket = f"{self.name}-archive-{account}-{os.environ['AWS_REGION']}"
        return {"OptimizedBucket": bucket, "OptimizedPrefix": FAST, "OptimizeState": "DISABLED"}

    def up(self, **parameters: str) -> None:
        """Creates the stack, or brings it up to date."""
        given = [part for key, value in parameters.items() for part in ("--parameter", f"{key}={value}")]
        self.outputs = self.deploy("up", "--packages", str(PACKAGES), *given)

    def ask(self, method: str, path: str, document: object = None, headers: dict[str, str] | None = None) -> tuple[int, str, Any]:
        """Status, content type and document of an answer of the API."""
        body = document.encode() if isinstance(document, str) else None if document is None else json.dumps(document).encode()
        given = {"Content-Type": "application/json"} | (headers or {})
        request = urllib.request.Request(self.outputs["API_BASE"] + path, body, given, method=method)
        status, told, text = fetch(request)
        return status, told["Content-Type"], json.loads(text)

    def file(self, name: str = "") -> tuple[int, Message, str]:
        """Status, headers and text of a file of the page, by its name relative to the page as in a browser."""
        return fetch(urllib.request.Request(urllib.parse.urljoin(self.outputs["PAGE"], name)))

    def submit(self, nights: list[str], headers: dict[str, str] | None = None, **more: object) -> dict[str, Any]:
        """Submits a job that must be taken."""
        status, _, job = self.ask("POST", "/v1/jobs", {"nights": nights} | more, headers)
        assert status == 201, job
        return job

    def job(self, job: str) -> dict[str, Any]:
        """A job as it stands."""
        status, _, document = self.ask("GET", f"/v1/jobs/{job}")
        assert status == 200, document
        return document

    def ended(self, job: str, state: str = "done", seconds: float = 120) -> dict[str, Any]:
        """The job once it has ended, which must be in this state."""
        over = lambda: (document := self.job(job))["status"]["state"] not in ("queued", "running") and document  # noqa: E731
        document = wait_for(f"the end of job {job}", over, seconds)
        assert document["status"]["state"] == state, document["status"]
        return document

    def receipt(self, job: str) -> dict[str, Any]:
        """The receipt of a job that has ended: it must add up."""
        status, _, receipt = self.ask("GET", f"/v1/jobs/{job}/receipt")
        assert status == 200, receipt
        total = receipt["total"]
        dropped = total["dropped_by_class"] + sum(total["dropped_by_condition"]) + total["over_limit"]
        assert total["read"] == dropped + total["kept"]
        assert total["sent"] == sum(span["end"] - span["start"] for span in receipt["partitions"])
        return receipt

    def topic(self, topic: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What the field's own Kafka and Avro libraries find in a topic: its books, and every alert."""
        dump = Path(os.environ["NIGHTFERRY_SCRATCH"]) / f"{topic}.jsonl"
        script = [CLIENTS / "fink-12/bin/python", ROOT / "tests/clients/read_topic.py"]
        answer = subprocess.run(
            [*script, "--bootstrap", self.readers, "--topic", topic, "--dump", dump], capture_output=True, text=True
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        told = json.loads(answer.stdout)
        assert all(partition["dense"] for partition in told["partitions"].values()), told
        return told, [json.loads(line) for line in dump.read_text().splitlines()]

    def holds_each_once(self, topic: str, alerts: int) -> list[dict[str, Any]]:
        """The alerts of a topic, which must be so many and each once."""
        _, found = self.topic(topic)
        candids = [alert["candid"] for alert in found]
        assert (len(candids), len(set(candids))) == (alerts, alerts)
        return found

    def nights(self) -> dict[str, dict[str, Any]]:
        """The archive's nights, with what the index knows of them."""
        status, _, nights = self.ask("GET", "/v1/nights")
        assert status == 200, nights
        return {night["night"]: night for night in nights}

    def indexed(self, night: str, alerts: int) -> dict[str, Any]:
        """What the index says of a night, once it knows it with so many alerts."""
        known = lambda: (told := self.nights().get(night)) and told["alerts"] == alerts and told  # noqa: E731
        return wait_for(f"the index of {night}", known)

    def estimate(self, nights: list[str], **more: object) -> dict[str, Any]:
        """An estimate of a request that must be sound."""
        status, _, estimate = self.ask("POST", "/v1/estimates", {"nights": nights} | more)
        assert status == 200, estimate
        return estimate

    def put_night(self, folder: Path, night: str) -> Path:
        """Puts the one file of a night, of the archive in this folder, into the archive's bucket; where it is here."""
        (file,) = (folder / "science").glob(f"{partition(night)}/*.parquet")
        self.client("s3").upload_file(str(file), self.outputs["ArchiveBucket"], archive_key(night))
        return file

    def take_night(self, night: str) -> None:
        """Takes that file out again."""
        self.client("s3").delete_object(Bucket=self.outputs["ArchiveBucket"], Key=archive_key(night))

    def resource(self, logical: str) -> str:
        """The name that a resource of the template was given."""
        found = self.client("cloudformation").describe_stack_resources(StackName=self.name)["StackResources"]
        return next(one["PhysicalResourceId"] for one in found if one["LogicalResourceId"] == logical)

    def put(self, key: str, text: str | bytes) -> None:
        """Drops an object into the bucket of jobs."""
        body = text.encode() if isinstance(text, str) else text
        self.client("s3").put_object(Bucket=self.outputs["JobsBucket"], Key=key, Body=body)

    def object(self, key: str) -> Any:
        """A JSON object of the bucket of jobs, or None."""
        s3 = self.client("s3")
        try:
            return json.load(s3.get_object(Bucket=self.outputs["JobsBucket"], Key=key)["Body"])
        except s3.exceptions.NoSuchKey:
            return None

    def invoke(self, logical: str, event: object) -> Any:
        """Calls a function; its answer, which must be no error."""
        answer = self.client("lambda").invoke(FunctionName=self.resource(logical), Payload=json.dumps(event))
        payload = json.load(answer["Payload"])
        assert "FunctionError" not in answer, payload
        return payload

    def refusal(self, logical: str, event: object) -> str:
        """Calls a function that must refuse the event; what it says."""
        answer = self.client("lambda").invoke(FunctionName=self.resource(logical), Payload=json.dumps(event))
        payload = json.load(answer["Payload"])
        assert "FunctionError" in answer, payload
        return payload["errorMessage"]

    def rewritten(self, night: str) -> dict[str, str]:
        """The objects of a night as it was rewritten, by their names, with their versions."""
        prefix = f"{FAST}science/{partition(night)}/"
        found = self.client("s3").list_objects_v2(Bucket=self.outputs["ArchiveBucket"], Prefix=prefix)
        return {one["Key"].removeprefix(prefix): one["ETag"] for one in found.get("Contents", [])}

    def holds_the_same(self, file: Path, night: str) -> None:
        """What the field's own Parquet library reads of a rewritten night: the alerts of this file, value by value."""
        copy = Path(os.environ["NIGHTFERRY_SCRATCH"]) / f"{self.name}-{night}.parquet"
        key = f"{FAST}science/{partition(night)}/optimized-0.zstd.parquet"
        self.client("s3").download_file(self.outputs["ArchiveBucket"], key, str(copy))
        command = [CLIENTS / "fink-12/bin/python", "-c", COMPARE, file, copy]
        answer = subprocess.run(command, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stdout + answer.stderr

    def log(self, logical: str) -> list[dict[str, Any]]:
        """The JSON lines that a function has logged."""
        pages = self.client("logs").get_paginator("filter_log_events")
        group = f"/aws/lambda/{self.resource(logical)}"
        lines = [event["message"].strip() for page in pages.paginate(logGroupName=group) for event in page["events"]]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def processes(self, logical: str) -> list[int]:
        """The processes that work for a function."""
        wanted = f"AWS_LAMBDA_FUNCTION_NAME={self.resource(logical)}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if wanted in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def kill(self, logical: str) -> int:
        """`kill -9` of the processes of a function; how many."""
        killed = self.processes(logical)
        for process in killed:
            os.kill(process, signal.SIGKILL)
        return len(killed)


COMPARE = """
import sys, pyarrow as arrow, pyarrow.parquet as parquet

def alerts(name):
    table = parquet.ParquetFile(name).read()
    moments = [field for field in table.schema if arrow.types.is_timestamp(field.type)]
    for field in moments:
        # Spark's old moments are nanoseconds without a zone.
        at = table.schema.get_field_index(field.name)
        table = table.set_column(at, field.name, table[field.name].cast(arrow.timestamp("us")))
    # As texts, by which one NaN is like another.
    rows = {row["candid"]: repr(row) for row in table.to_pylist()}
    assert len(rows) == table.num_rows
    return table.schema.names, rows

before, after = (alerts(name) for name in sys.argv[1:])
assert before[0] == after[0], (before[0], after[0])
assert before[1].keys() == after[1].keys(), (len(before[1]), len(after[1]))
assert before[1] == after[1], [candid for candid in before[1] if before[1][candid] != after[1][candid]]
"""


def partition(night: str) -> str:
    """The folder of a night below `science/`."""
    return "year={}/month={}/day={}".format(*night.split("-"))


def archive_key(night: str) -> str:
    """Where the one file of a night lies in the archive's bucket."""
    return f"science/{partition(night)}/part-0.parquet"


def simulate(folder: Path, nights: list[str], alerts: int, *more: str) -> None:
    """Makes nights of so many alerts."""
    cargo = ["cargo", "run", "--release", "--quiet", "--", "simulate", folder, "--nights", *nights]
    subprocess.run([*cargo, "--alerts", str(alerts), *more], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def make_archive(folder: Path) -> None:
    """Simulated nights, and one whose file is no Parquet."""
    simulate(folder, SIMULATED, ALERTS)
    simulate(folder, [LAST_NIGHT], 50)
    poison = folder / archive_key(POISON)
    poison.parent.mkdir(parents=True)
    poison.write_bytes(b"PAR1 this is no Parquet file PAR1")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The service, deployed over simulated nights."""
    scratch = tmp_path_factory.mktemp("aws")
    os.environ["NIGHTFERRY_SCRATCH"] = str(scratch)
    missing = [name for name in ("submit", "index", "optimize", "worker", "portal") if not (PACKAGES / name / "bootstrap.zip").is_file()]
    assert not missing, f"{PACKAGES} lacks packages: run functions/package --quick"
    subprocess.run([ROOT / "tests/clients/install.sh", CLIENTS], check=True)
    parameters, servers = {"DeliveryTimeoutSeconds": "5", "JobRetentionDays": "30"}, None
    if "AWS_ENDPOINT_URL" not in os.environ:
        servers = Servers(scratch)
        os.environ |= {
            "AWS_ENDPOINT_URL": servers.endpoint,
            "AWS_REGION": "eu-west-3",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "KAFKA_BOOTSTRAP": f"127.0.0.1:{servers.scram}",
            "KAFKA_READERS": f"127.0.0.1:{servers.readers}",
            "KAFKA_SECURITY": "scram-without-tls",
        }
    stack = Stack(f"e2e-{uuid.uuid4().hex[:6]}", os.environ["AWS_ENDPOINT_URL"])
    try:
        if servers:
            servers.ready()
            parameters["KafkaSecretArn"] = stack.keep_login()
        make_archive(scratch / "archive")
        stack.up(**parameters, **stack.optimizing())
        stack.deploy("archive", str(scratch / "archive"))
        yield stack
    finally:
        if servers:
            servers.end()
