"""The template, deployed to a MiniStack that enforces roles."""

import json
import os
import socket
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
# A function in plain Python that tells its log what it was given.
BOOTSTRAP = ROOT / "localstack" / "native" / "tests" / "bootstrap.py"
FUNCTIONS = ("submit", "estimate", "index", "optimize", "fanout", "worker", "status", "portal")
REGION = "eu-west-3"
ACCOUNT = "000000000000"
TNS = "catalogues/tns.parquet"
CLUSTER = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/field/0a1b2c-3"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:AmazonMSK_ferry-AbCdEf"
T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T], seconds: float = 30) -> T:
    """The first true value of the condition, within the time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return value


class Aws:
    """A running MiniStack."""

    def __init__(self, data: Path) -> None:
        """Starts it and waits until it answers."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        run = ROOT / "localstack" / "ministack" / "run"
        self.process = subprocess.Popen([run, "--data", data / "aws", "--port", str(port), "--roles"])

        def answers() -> bool:
            assert self.process.poll() is None, "MiniStack has ended"
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_for("MiniStack", answers)
        self.packages = data / "packages"
        for name in FUNCTIONS:
            (self.packages / name).mkdir(parents=True)
            with zipfile.ZipFile(self.packages / name / "bootstrap.zip", "w") as package:
                package.write(BOOTSTRAP, "bootstrap")

    def client(self, service: str, role: dict[str, str] | None = None) -> Any:
        """A client of one service, as the account's owner or with a role's credentials."""
        who = role or {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": None}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=who["AccessKeyId"],
            aws_secret_access_key=who["SecretAccessKey"],
            aws_session_token=who["SessionToken"],
            config=Config(retries={"max_attempts": 0}),
        )


class Stack:
    """A deployed template."""

    def __init__(self, aws: Aws, name: str, **parameters: str) -> None:
        """Deploys it as `localstack/deploy` does."""
        self.aws, self.name = aws, name
        given = [f"--parameter={key}={value}" for key, value in parameters.items()]
        command = [ROOT / "localstack" / "deploy", "up", "--stack", name, "--packages", aws.packages, *given]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "KAFKA_"))},
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "KAFKA_BOOTSTRAP": "127.0.0.1:9",
        }
        self.outputs = json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)
        found = aws.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        self.resources = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}
        self.jobs, self.archive = self.outputs["JobsBucket"], self.outputs["ArchiveBucket"]
        self._roles: dict[str, dict[str, str]] = {}

    def role(self, function: str) -> str:
        """The ARN of a function's role."""
        name = self.resources[f"{function.capitalize()}Role"]
        return str(self.aws.client("iam").get_role(RoleName=name)["Role"]["Arn"])

    def as_role(self, function: str, service: str) -> Any:
        """A client with nothing but what the function's role allows."""
        if function not in self._roles:
            self._roles[function] = self.aws.client("sts").assume_role(
                RoleArn=self.role(function), RoleSessionName=function
            )["Credentials"]
        return self.aws.client(service, self._roles[function])

    def is_allowed(self, function: str, action: str, resource: str) -> bool:
        """What IAM answers for an action of a service that does not exist here, such as Kafka's."""
        answer = self.aws.client("iam").simulate_principal_policy(
            PolicySourceArn=self.role(function), ActionNames=[action], ResourceArns=[resource]
        )
        return str(answer["EvaluationResults"][0]["EvalDecision"]) == "allowed"

    def statements(self, function: str) -> list[dict[str, Any]]:
        """What a function's role allows, as it is written."""
        role = self.resources[f"{function.capitalize()}Role"]
        document = self.aws.client("iam").get_role_policy(RoleName=role, PolicyName=function)["PolicyDocument"]
        return list(document["Statement"])

    def log(self, function: str) -> str:
        """What a function has printed."""
        logs = self.aws.client("logs")
        text = ""
        # MiniStack names the group by the function, AWS by the template.
        names = (self.resources[function.capitalize()], f"{self.name}-{function}")
        for group in logs.describe_log_groups()["logGroups"]:
            if group["logGroupName"].split("/")[-1] in names:
                events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
                text += "".join(event["message"] + "\n" for event in events)
        return text


def outcome(call: Callable[[], object]) -> str:
    """`done`, `refused`, or the error's code."""
    try:
        call()
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        return "refused" if code.startswith("AccessDenied") or code == "403" else code
    return "done"


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """One MiniStack for all tests."""
    aws = Aws(tmp_path_factory.mktemp("aws"))
    yield aws
    aws.process.terminate()
    aws.process.wait(10)


@pytest.fixture(scope="session")
def stack(aws: Aws) -> Stack:
    """The template with MSK and IAM, with a night in the archive, and a job and an index in the bucket."""
    stack = Stack(
        aws,
        "ferry",
        KafkaSecurity="iam",
        MskClusterArn=CLUSTER,
        Access="iam",
        TnsTable=f"s3://ferry-archive-{ACCOUNT}-{REGION}/{TNS}",
        OptimizedBucket=f"ferry-archive-{ACCOUNT}-{REGION}",
        OptimizedPrefix="fast/",
    )
    s3 = aws.client("s3")
    for key in ("science/year=2026/month=03/day=22/a.parquet", "secret/b.parquet", TNS):
        s3.put_object(Bucket=stack.archive, Key=key, Body=b"a")
    for key in ("jobs/1/plan.json", "jobs/1/sample/000000.json", "index/catalogue.json.zst"):
        s3.put_object(Bucket=stack.jobs, Key=key, Body=b"{}")
    return stack


@pytest.fixture(scope="session")
def over_http(stack: Stack) -> Stack:
    """The same without the bucket's demand for TLS, which nothing here speaks."""
    stack.aws.client("s3").delete_bucket_policy(Bucket=stack.jobs)
    return stack


@pytest.fixture(scope="session")
def scram(aws: Aws) -> Stack:
    """The template with a user's name and password for Kafka."""
    return Stack(aws, "ferry-scram", KafkaSecurity="scram", KafkaSecretArn=SECRET)
