"""Deploys the service to an AWS on this machine, and tries it. Started by `deploy`, which gives it boto3.

Knows nothing of which AWS it is: LocalStack with Docker or without, MiniStack. All that differs comes by variables.
"""

import argparse
import contextlib
import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = ("submit", "estimate", "index", "optimize", "fanout", "worker", "status", "portal")
VARIABLES = """variables:
  AWS_ENDPOINT_URL                     where AWS is, such as http://127.0.0.1:4566
  AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
  KAFKA_BOOTSTRAP                      host:port, as the functions reach it
  KAFKA_READERS                        host:port, as readers reach it (default: the same)
  KAFKA_SECURITY                       plaintext (default), tls, scram, scram-without-tls, iam
"""


class Failed(Exception):
    """Told without a stack trace."""


class Deployment:
    """A stack, with the buckets beside it, on the AWS of the environment."""

    def __init__(self, stack: str) -> None:
        """Contacts nothing but the endpoint, and that only to ask which account it is."""
        self.stack = stack
        self.endpoint = os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/")
        if not self.endpoint:
            raise Failed("AWS_ENDPOINT_URL is not set; to deploy to AWS itself see infra/README.md")
        self.region = os.environ.get("AWS_REGION") or "eu-west-3"
        account = self.client("sts").get_caller_identity()["Account"]
        self.id = stack
        # The template's name of it.
        self.jobs = f"{stack}-{account}-{self.region}"
        self.packages = f"{stack}-packages-{account}-{self.region}"
        self.archive = f"{stack}-archive-{account}-{self.region}"

    def client(self, service: str) -> Any:
        """A client of one service."""
        return boto3.client(service, endpoint_url=self.endpoint, region_name=self.region)

    def up(self, packages: Path, parameters: dict[str, str]) -> dict[str, str]:
        """Creates the stack or brings it up to date."""
        if self._state() in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
            # What never came up cannot be updated.
            self.down()
        for bucket in (self.packages, self.archive):
            self._make_bucket(bucket)
        template = (ROOT / "infra" / "template.yaml").read_text()
        for name in FUNCTIONS:
            package = packages / name / "bootstrap.zip"
            if not package.is_file():
                raise Failed(f"{package} is missing; make the packages with functions/package")
            code = f"../target/lambda/{name}/bootstrap.zip"
            if code not in template:
                raise Failed(f"infra/template.yaml has no CodeUri {code}")
            template = template.replace(code, f"s3://{self.packages}/{self._upload(package)}")
        # By its content, so that an update that changes nothing is seen as one.
        key = f"template-{hashlib.sha256(template.encode()).hexdigest()[:16]}.yaml"
        self.client("s3").put_object(Bucket=self.packages, Key=key, Body=template.encode())
        self._deploy(f"{self.endpoint}/{self.packages}/{key}", self._parameters() | parameters)
        self._bound_worker()
        outputs = self.outputs()
        self._tell_of_files(outputs["FilesQueueArn"])
        return outputs

    def _parameters(self) -> dict[str, str]:
        parameters = {
            "ArchiveBucket": self.archive,
            "KafkaSecurity": os.environ.get("KAFKA_SECURITY") or "plaintext",
            "KafkaBootstrap": os.environ.get("KAFKA_BOOTSTRAP", ""),
            "KafkaReaders": os.environ.get("KAFKA_READERS", ""),
            # One broker, and nobody from outside.
            "TopicReplication": "1",
            "Access": "open",
            # Two cores seldom take more.
            "WorkerConcurrency": "2",
            # Nobody waits for minutes here, and nights are small.
            "IndexWindowSeconds": "1",
        }
        if not parameters["KafkaBootstrap"]:
            raise Failed("KAFKA_BOOTSTRAP is not set; it names the broker, host:port")
        return parameters

    def _make_bucket(self, bucket: str) -> None:
        s3 = self.client("s3")
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError:
            place = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
            s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": place} if place else {}))

    def _upload(self, package: Path) -> str:
        content = package.read_bytes()
        key = f"{package.parent.name}-{hashlib.sha256(content).hexdigest()[:16]}.zip"
        s3 = self.client("s3")
        try:
            s3.head_object(Bucket=self.packages, Key=key)
        except ClientError:
            s3.put_object(Bucket=self.packages, Key=key, Body=content)
        return key

    def _deploy(self, template: str, parameters: dict[str, str]) -> None:
        stacks = self.client("cloudformation")
        call = stacks.update_stack if self._state() else stacks.create_stack
        try:
            call(
                StackName=self.stack,
                TemplateURL=template,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            )
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise Failed(f"the stack is refused: {error}") from error
            return
        ended = self._wait(lambda state: state is None or not state.endswith("_IN_PROGRESS"), 300)
        if ended not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise Failed("\n  ".join([f"the stack {self.stack} is {ended}:", *self._reasons()]))

    def _state(self) -> str | None:
        try:
            found = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        if not found or found[0]["StackStatus"] == "DELETE_COMPLETE":
            return None
        self.id = found[0]["StackId"]
        return found[0]["StackStatus"]

    def _wait(self, is_over: Callable[[str | None], bool], seconds: float) -> str | None:
        deadline = time.monotonic() + seconds
        while not is_over(state := self._state()):
            if time.monotonic() > deadline:
                raise Failed(f"the stack {self.stack} is still {state} after {seconds:.0f} s")
            time.sleep(0.5)
        return state

    def _reasons(self) -> list[str]:
        # By its id, as what was deleted has lost its name.
        events = self.client("cloudformation").describe_stack_events(StackName=self.id)["StackEvents"]
        failed = [event for event in events if "FAILED" in event.get("ResourceStatus", "")]
        return [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '(no reason)')}" for event in failed]

    def _resource(self, logical: str) -> str:
        found = self.client("cloudformation").describe_stack_resources(StackName=self.stack)["StackResources"]
        return next(one["PhysicalResourceId"] for one in found if one["LogicalResourceId"] == logical)

    def _bound_worker(self) -> None:
        """Sets the mapping's bound again: MiniStack took it for a text, and then reads nothing from the queue."""
        functions = self.client("lambda")
        stack = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        bound = int(next(p["ParameterValue"] for p in stack["Parameters"] if p["ParameterKey"] == "WorkerConcurrency"))
        worker = self._resource("Worker")
        # Whatever it is said to be: boto3 shows the text as a number.
        for mapping in functions.list_event_source_mappings(FunctionName=worker)["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": bound})

    def _tell_of_files(self, queue: str) -> None:
        """Has the archive's bucket tell the queue of its files, as infra/README.md has it done on AWS."""
        rules = [{"Name": "prefix", "Value": "science/"}, {"Name": "suffix", "Value": ".parquet"}]
        files = {
            "QueueArn": queue,
            "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
            "Filter": {"Key": {"FilterRules": rules}},
        }
        self.client("s3").put_bucket_notification_configuration(
            Bucket=self.archive, NotificationConfiguration={"QueueConfigurations": [files]}
        )

    def _tell_of_no_files(self) -> None:
        s3 = self.client("s3")
        with contextlib.suppress(s3.exceptions.NoSuchBucket):
            s3.put_bucket_notification_configuration(Bucket=self.archive, NotificationConfiguration={})

    def outputs(self) -> dict[str, str]:
        """The stack's outputs, and where the API and the page answer here."""
        if self._state() is None:
            raise Failed(f"there is no stack {self.stack}; deploy it with `up`")
        stack = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
        # The addresses in the template are AWS's own.
        for address in ("ApiUrl", "PageUrl"):
            outputs.pop(address, None)
        base = f"{self.endpoint}/_aws/execute-api/{outputs['ApiId']}/live"
        return outputs | {
            "API_BASE": base,
            # With the slash, as the page names its files relative to its address.
            "PAGE": f"{base}/",
            "ArchiveBucket": self.archive,
        }

    def down(self) -> None:
        """Deletes the stack with what it would leave behind; the archive's bucket stays."""
        kept = []
        if self._state() is not None:
            found = self.client("cloudformation").describe_stack_resources(StackName=self.stack)["StackResources"]
            kept = [(one["ResourceType"], one.get("PhysicalResourceId")) for one in found]
            self._tell_of_no_files()
            self.client("cloudformation").delete_stack(StackName=self.stack)
            ended = self._wait(lambda state: state is None or state == "DELETE_FAILED", 120)
            if ended is not None:
                raise Failed("\n  ".join([f"the stack {self.stack} is {ended}:", *self._reasons()]))
        for kind, name in kept:
            if kind == "AWS::DynamoDB::Table" and name:
                tables = self.client("dynamodb")
                with contextlib.suppress(tables.exceptions.ResourceNotFoundException):
                    tables.delete_table(TableName=name)
        self._delete_bucket(self.jobs)
        self._delete_bucket(self.packages)

    def _delete_bucket(self, bucket: str) -> None:
        s3 = self.client("s3")
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                keys = [{"Key": one["Key"]} for one in page.get("Contents", [])]
                if keys:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
            s3.delete_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchBucket", "404"):
                raise

    def put_archive(self, folder: Path) -> int:
        """Uploads an archive's Parquet files; how many."""
        files = sorted((folder / "science").rglob("*.parquet"))
        if not files:
            raise Failed(f"{folder} has no science/year=…/…/*.parquet")
        self._make_bucket(self.archive)
        s3 = self.client("s3")
        with ThreadPoolExecutor(4) as uploads:
            send = lambda file: s3.upload_file(str(file), self.archive, file.relative_to(folder).as_posix())  # noqa: E731
            list(uploads.map(send, files))
        return len(files)

    def index(self) -> Any:
        """Indexes what no event told of, as the daily schedule does on AWS."""
        patient = Config(read_timeout=900, retries={"max_attempts": 0})
        functions = boto3.client("lambda", endpoint_url=self.endpoint, region_name=self.region, config=patient)
        answer = functions.invoke(FunctionName=self._resource("Index"), Payload=json.dumps({"whole": True}))
        told = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise Failed(f"the index cannot be brought up to date: {json.dumps(told)}")
        return told

    def smoke(self, night: str | None, limit: int, seconds: float) -> dict[str, Any]:
        """Waits until a night is indexed, ferries a small job of it over HTTP, and checks its receipt and its estimate."""
        base = self.outputs()["API_BASE"]
        nights = ask(f"{base}/v1/nights")
        if not nights:
            raise Failed("the archive has no nights; upload some with `archive FOLDER`")
        night = night or max(known["night"] for known in nights)
        known = await_index(base, night, seconds)
        request = {"nights": [night], "content": "Light packet", "limit": limit}
        began = time.monotonic()
        job = ask(f"{base}/v1/jobs", request)["id"]
        while (document := ask(f"{base}/v1/jobs/{job}"))["status"]["state"] in ("queued", "running"):
            if time.monotonic() - began > seconds:
                raise Failed(f"job {job} has not ended after {seconds:.0f} s: {json.dumps(document)}")
            time.sleep(0.25)
        took = time.monotonic() - began
        if document["status"]["state"] != "done":
            raise Failed(f"job {job} is {document['status']['state']}: {json.dumps(document)}")
        # It is written right after the job's end.
        deadline = time.monotonic() + 30
        while (receipt := ask(f"{base}/v1/jobs/{job}/receipt", missing=time.monotonic() < deadline)) is None:
            time.sleep(0.25)
        check(receipt)
        # Files of the night may have come after it was indexed: then it is indexed again.
        sent, deadline = receipt["total"]["sent"], time.monotonic() + 30
        while (estimate := ask(f"{base}/v1/estimates", request))["alerts"] != sent or not estimate["exact"]:
            if time.monotonic() > deadline:
                raise Failed(f"{sent} alerts were sent, and the estimate is {json.dumps(estimate)}")
            time.sleep(0.25)
        return receipt | {"indexed": {"night": night, "alerts": known["alerts"]}, "seconds": round(took, 2)}


def await_index(base: str, night: str, seconds: float) -> dict[str, Any]:
    """What the index says of a night, once it knows it."""
    deadline = time.monotonic() + seconds
    while True:
        found = ask(f"{base}/v1/nights?nights={night}")
        if not found:
            raise Failed(f"the archive has no {night}")
        if found[0]["indexed"]:
            return found[0]
        if time.monotonic() > deadline:
            raise Failed(
                f"{night} is not indexed after {seconds:.0f} s; `index` indexes what was uploaded before the stack was there"
            )
        time.sleep(0.25)


def ask(url: str, document: object = None, missing: bool = False) -> Any:
    """The JSON at an address, or of a document that is posted there. None for 404, where it may be missing."""
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if missing and error.code == 404:
            return None
        raise Failed(f"{url}: {error.code}: {error.read().decode(errors='replace')}") from error
    except (OSError, ValueError) as error:
        raise Failed(f"{url}: {error}") from error


def check(receipt: dict[str, Any]) -> None:
    """Whether read = dropped + kept, kept = sent, and the topic holds what was sent."""
    for books in [receipt["total"], *(night["counts"] for night in receipt["nights"])]:
        dropped = books["dropped_by_class"] + sum(books["dropped_by_condition"]) + books["over_limit"]
        if books["read"] != dropped + books["kept"] or books["kept"] != books["sent"]:
            raise Failed(f"the receipt does not add up: {json.dumps(books)}")
    sent, held = receipt["total"]["sent"], sum(span["end"] - span["start"] for span in receipt["partitions"])
    if sent != held or sent == 0:
        raise Failed(f"{sent} alerts were sent, and the topic holds {held}")


def parameter(text: str) -> tuple[str, str]:
    """NAME=VALUE, taken apart."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="deploy",
        description="Deploys the service to an AWS on this machine, and tries it.",
        epilog=VARIABLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stack", default="nightferry", help="the stack's name (default: nightferry)")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", parents=[common], help="create the stack or update it; prints its outputs as JSON")
    up.add_argument("--packages", type=Path, default=ROOT / "target" / "lambda", help="folder of NAME/bootstrap.zip")
    up.add_argument("--parameter", type=parameter, action="append", default=[], metavar="NAME=VALUE",
                    help="a parameter of infra/template.yaml; may be given again")  # fmt: skip
    commands.add_parser("outputs", parents=[common], help="print the outputs again")
    commands.add_parser("down", parents=[common], help="delete the stack with its bucket and table; the archive stays")
    archive = commands.add_parser("archive", parents=[common], help="upload an archive's nights")
    archive.add_argument("folder", type=Path, help="the folder above science/year=…")
    commands.add_parser("index", parents=[common], help="index what no event told of, as AWS does by a daily schedule")
    smoke = commands.add_parser(
        "smoke", parents=[common], help="await the index of a night and ferry a small job; its receipt must add up"
    )
    smoke.add_argument("--night", help="YYYY-MM-DD (default: the newest)")
    smoke.add_argument("--limit", type=int, default=1000, help="the most alerts (default: 1000)")
    smoke.add_argument("--seconds", type=float, default=180, help="how long it may take (default: 180)")
    return parser.parse_args()


def main() -> None:
    """Does what the command line says."""
    given = arguments()
    deployment = Deployment(given.stack)
    match given.command:
        case "up":
            answer: Any = deployment.up(given.packages, dict(given.parameter))
        case "outputs":
            answer = deployment.outputs()
        case "down":
            deployment.down()
            answer = {"down": given.stack}
        case "archive":
            answer = {"files": deployment.put_archive(given.folder), "bucket": deployment.archive}
        case "index":
            answer = deployment.index()
        case "smoke":
            answer = deployment.smoke(given.night, given.limit, given.seconds)
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"deploy: {failure}")
    except ClientError as failure:
        sys.exit(f"deploy: {failure}")
