"""What the template as a whole does."""

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from conftest import REGION, ROOT, Aws, Stack, outcome, wait_for


def test_the_bucket_refuses_what_is_not_encrypted_on_the_way(aws: Aws) -> None:
    stack = Stack(aws, "ferry-tls")
    s3 = stack.as_role("status", "s3")
    assert outcome(lambda: s3.get_object(Bucket=stack.jobs, Key="jobs/1/plan.json")) == "refused"


def status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_api_is_called_with_a_signature_or_not_at_all(stack: Stack) -> None:
    url = f"{stack.outputs['API_BASE']}/v1/jobs"
    assert status(urllib.request.Request(url)) == 403
    signed = AWSRequest("GET", url)
    SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(signed)
    # The function of these tests knows no API and answers with what no gateway takes.
    assert status(urllib.request.Request(url, headers=dict(signed.headers))) != 403


@pytest.mark.parametrize("name", ["manifest.json", "manifest.yaml"])
def test_a_manifest_starts_a_fan_out(stack: Stack, name: str) -> None:
    key = f"jobs/dropped-{name[-4:]}/{name}"
    stack.aws.client("s3").put_object(Bucket=stack.jobs, Key=key, Body=b"{}")
    wait_for("the event", lambda: key in stack.log("fanout"))


def test_a_task_wakes_a_worker(stack: Stack) -> None:
    stack.aws.client("sqs").send_message(QueueUrl=stack.resources["Tasks"], MessageBody='{"wake": 1}')
    wait_for("the event", lambda: "wake" in stack.log("worker"))


def test_the_queue_hides_a_task_longer_than_a_worker_may_take(stack: Stack) -> None:
    queue = stack.aws.client("sqs").get_queue_attributes(QueueUrl=stack.resources["Tasks"], AttributeNames=["All"])
    worker = stack.aws.client("lambda").get_function_configuration(FunctionName=stack.resources["Worker"])
    assert int(queue["Attributes"]["VisibilityTimeout"]) >= worker["Timeout"]
    assert json.loads(queue["Attributes"]["RedrivePolicy"])["maxReceiveCount"] == 10


def test_schedules_give_what_the_functions_expect(stack: Stack) -> None:
    def schedule(name: str) -> tuple[str, str, object]:
        found = stack.aws.client("scheduler").get_schedule(Name=f"{stack.name}-{name}")
        return found["ScheduleExpression"], found["State"], json.loads(found["Target"]["Input"])

    request = {"nights": ["last night"], "content": "Light packet"}
    assert schedule("tend") == ("rate(15 minutes)", "ENABLED", {"tend": True})
    assert schedule("nightly") == ("cron(30 2 * * ? *)", "DISABLED", {"scheduled": request, "time": "<aws.scheduler.scheduled-time>"})


def test_no_name_is_taken_from_the_next_stack(stack: Stack, aws: Aws) -> None:
    other = Stack(aws, "ferry-tls")
    # A stage is named within its API.
    assert set(stack.resources.values()) & set(other.resources.values()) == {"live"}


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"KafkaSecurity": "iam"}, "needs MskClusterArn"),
        ({"KafkaSecurity": "scram"}, "needs KafkaSecretArn"),
        ({"KafkaSecretArn": "arn:aws:secretsmanager:eu-west-3:000000000000:secret:a"}, "only used with"),
        ({"SubnetIds": "subnet-0a1b2c3d"}, "need SecurityGroupIds"),
        ({"SecurityGroupIds": "sg-0a1b2c3d"}, "need SubnetIds"),
        ({"KafkaBootstrap": ""}, "Give KafkaBootstrap or MskClusterArn"),
        ({"Access": "jwt"}, "needs UserPoolArn"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(
    aws: Aws, capfd: pytest.CaptureFixture[str], parameters: dict[str, str], told: str
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        Stack(aws, "refused", **parameters)
    assert told in capfd.readouterr().err


def test_functions_that_use_kafka_are_in_the_vpc_and_the_others_are_not(tmp_path: Path) -> None:
    # MiniStack's stacks leave the network out.
    subprocess.run([ROOT / "infra" / "lint", tmp_path], check=True)
    resources = json.loads((tmp_path / "template.json").read_text())["Resources"]
    inside = {name for name, resource in resources.items() if "VpcConfig" in resource.get("Properties", {})}
    assert inside == {"Submit", "Fanout", "Worker"}
