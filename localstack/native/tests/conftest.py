"""A real LocalStack for the session, and small functions to run in it."""

import contextlib
import json
import os
import socket
import subprocess
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config

RUN = Path(__file__).parents[1] / "run"
BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
T = TypeVar("T")
ROLE = "arn:aws:iam::000000000000:role/anyone"


def wait_for(what: str, condition: Callable[[], T], seconds: float = 30) -> T:
    """The first true value of the condition, within the time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


class Server:
    """A running LocalStack."""

    def __init__(self, data: Path) -> None:
        """Starts it and waits until it is ready."""
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        environment = os.environ | {"ONLY_THE_SERVERS": "secret"}
        command = [RUN, "--data", data, "--port", str(self.port)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == "Ready.\n":
                return
        raise AssertionError(f"LocalStack ended with {self.process.wait()}")

    def client(self, service: str) -> Any:
        """A client of one service, which does not try again by itself."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="eu-west-3",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, read_timeout=60),
        )

    def function(self, variables: dict[str, str] | None = None, timeout: int = 10, bootstrap: str | None = None) -> str:
        """Makes a function that does what the event says (see `bootstrap.py`), and returns its name."""
        name = f"f-{uuid.uuid4().hex[:8]}"
        package = BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("bootstrap", bootstrap if bootstrap is not None else BOOTSTRAP.read_text())
        functions = self.client("lambda")
        functions.create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Handler="bootstrap",
            Role=ROLE,
            Code={"ZipFile": package.getvalue()},
            Timeout=timeout,
            Environment={"Variables": variables or {}},
        )
        functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def invoke(self, name: str, event: object) -> tuple[Any, bool]:
        """The response, and whether it is an error."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), "FunctionError" in answer

    def log(self, name: str) -> str:
        """What CloudWatch holds of a function."""
        logs = self.client("logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return ""
        return "".join(event["message"].removesuffix("\n") + "\n" for event in events)

    def queue(self, **attributes: str) -> tuple[str, str]:
        """Makes a queue; its address and ARN."""
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}", Attributes=attributes)["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that do not end it."""
    server = Server(tmp_path_factory.mktemp("localstack"))
    yield server
    server.process.terminate()
    server.process.wait(10)
