"""What the template as a whole does."""

import json
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from conftest import ACCOUNT, FUNCTIONS, REGION, ROOT, Aws, Stack, outcome, wait_for


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The resources as plain CloudFormation: with what MiniStack leaves out."""
    folder = tmp_path_factory.mktemp("translated")
    subprocess.run([ROOT / "infra" / "lint", folder], check=True)
    return dict(json.loads((folder / "template.json").read_text())["Resources"])


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


@pytest.mark.parametrize("path", ["/", "/assets/index-1a2b.js"])
def test_the_page_is_had_without_a_signature(stack: Stack, path: str) -> None:
    assert status(urllib.request.Request(stack.outputs["API_BASE"] + path)) != 403
    wait_for("the function's start", lambda: "hello from the start" in stack.log("portal"))


@pytest.mark.parametrize("path", ["/v1/service", "/v1/functions", "/v1/jobs/1/sample", "/v1/openapi.json"])
def test_what_the_page_shows_is_not(stack: Stack, path: str) -> None:
    assert status(urllib.request.Request(stack.outputs["API_BASE"] + path)) == 403


def test_what_a_browser_asks_beforehand_is_asked_without_a_signature(stack: Stack, translated: dict[str, Any]) -> None:
    for path in (path for path in translated["Api"]["Properties"]["Body"]["paths"] if path.startswith("/v1/")):
        url = stack.outputs["API_BASE"] + path.replace("{id}", "1").replace("{proxy+}", "sample")
        assert status(urllib.request.Request(url, method="OPTIONS")) != 403
        assert status(urllib.request.Request(url, method="DELETE")) == 403
    wait_for("the function's start", lambda: "hello from the start" in stack.log("status"))


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


def test_a_file_of_the_archive_wakes_the_index_whether_it_comes_or_goes(stack: Stack) -> None:
    s3 = stack.aws.client("s3")
    key = "science/year=2026/month=03/day=23/part-0.parquet"
    s3.put_object(Bucket=stack.archive, Key=key, Body=b"a")
    # As S3 writes keys.
    written = key.replace("=", "%3D")
    wait_for("the event", lambda: stack.log("index").count(written) == 1)
    s3.delete_object(Bucket=stack.archive, Key=key)
    wait_for("the event", lambda: "ObjectRemoved" in stack.log("index"))
    for beside in ("science/year=2026/month=03/day=23/_SUCCESS", "else/part-0.parquet"):
        s3.put_object(Bucket=stack.archive, Key=beside, Body=b"a")
    s3.put_object(Bucket=stack.archive, Key=key.replace("part-0", "part-1"), Body=b"a")
    wait_for("the next event", lambda: "part-1.parquet" in stack.log("index"))
    assert "_SUCCESS" not in stack.log("index") and "else/" not in stack.log("index")


def test_only_the_archive_tells_of_files(stack: Stack) -> None:
    s3, name = stack.aws.client("s3"), "somebody-elses"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    files = {"QueueArn": stack.outputs["FilesQueueArn"], "Events": ["s3:ObjectCreated:*"]}
    told = {"QueueConfigurations": [files]}
    put = s3.put_bucket_notification_configuration
    assert outcome(lambda: put(Bucket=name, NotificationConfiguration=told)) == "InvalidArgument"
    policy = stack.aws.client("sqs").get_queue_attributes(QueueUrl=stack.resources["Files"], AttributeNames=["Policy"])
    (statement,) = json.loads(policy["Attributes"]["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"} and statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{stack.archive}"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_files_are_indexed_in_batches_and_come_again_when_none_can_be_under_way(stack: Stack) -> None:
    functions, index = stack.aws.client("lambda"), stack.resources["Index"]
    (mapping,) = functions.list_event_source_mappings(FunctionName=index)["EventSourceMappings"]
    assert mapping["EventSourceArn"] == stack.outputs["FilesQueueArn"]
    assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (1000, 1)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
    # 300 s are the longest that Lambda collects, and what the template says unless told otherwise.
    timeout = functions.get_function_configuration(FunctionName=index)["Timeout"]
    queue = stack.aws.client("sqs").get_queue_attributes(QueueUrl=stack.resources["Files"], AttributeNames=["All"])
    assert int(queue["Attributes"]["VisibilityTimeout"]) >= 6 * timeout + 300
    assert json.loads(queue["Attributes"]["RedrivePolicy"])["maxReceiveCount"] == 5


def test_jobs_are_forgotten_and_the_index_is_not(translated: dict[str, Any]) -> None:
    rules = translated["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert [rule["Prefix"] for rule in rules if "ExpirationInDays" in rule] == ["jobs/"]
    assert all("Prefix" in rule or "AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_each_path_leads_to_its_function_and_only_the_page_and_options_ask_nobody(translated: dict[str, Any]) -> None:
    paths = translated["Api"]["Properties"]["Body"]["paths"]
    protected = {"Fn::If": ["IsOpen", [], [{"caller": []}]]}

    def function(path: str, method: str) -> str:
        uri = json.dumps(paths[path][method]["x-amazon-apigateway-integration"]["uri"])
        name = uri.split("functions/${")[1].split(".Arn")[0]
        asks_nobody = name == "Portal" or method == "options"
        assert paths[path][method]["security"] == ([] if asks_nobody else protected), path
        return name

    told = {path: {method: function(path, method) for method in methods} for path, methods in paths.items()}
    beforehand = {path: methods.pop("options", None) for path, methods in told.items()}
    assert beforehand == {path: "Status" if path.startswith("/v1/") else None for path in paths}
    assert told == {
        "/": {"get": "Portal"},
        "/assets/{proxy+}": {"get": "Portal"},
        "/v1/jobs": {"post": "Submit", "get": "Status"},
        "/v1/jobs/{id}": {"get": "Status", "delete": "Status"},
        "/v1/jobs/{id}/rerun": {"post": "Submit"},
        "/v1/jobs/{id}/{proxy+}": {"get": "Status", "post": "Status"},
        "/v1/estimates": {"post": "Estimate"},
        "/v1/nights": {"get": "Estimate"},
        "/v1/classes": {"get": "Estimate"},
        "/v1/schema": {"get": "Estimate"},
        "/v1/functions": {"get": "Estimate"},
        "/v1/health": {"get": "Submit"},
        "/v1/service": {"get": "Submit"},
        "/v1/{proxy+}": {"get": "Status"},
    }


def test_answers_are_compressed_and_none_is_taken_for_binary(translated: dict[str, Any]) -> None:
    api = translated["Api"]["Properties"]
    assert api["MinimumCompressionSize"] == 1024
    assert "BinaryMediaTypes" not in api and "x-amazon-apigateway-binary-media-types" not in api["Body"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_that_fails_is_told_of_and_seen(translated: dict[str, Any], function: str) -> None:
    name = function.capitalize()
    dimensions = translated[f"{name}ErrorsAlarm"]["Properties"]["Dimensions"]
    assert dimensions == [{"Name": "FunctionName", "Value": {"Ref": name}}]
    widgets = json.loads(translated["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]
    shown = [line[1] for widget in widgets for line in widget["properties"]["metrics"] if f"${{{name}}}" in line]
    assert shown == ["Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"]


def test_the_page_is_named_with_the_slash_that_its_files_need(stack: Stack) -> None:
    # Of the address that AWS would give it, as that of the API is told here.
    found = stack.aws.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]["Outputs"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found}
    assert outputs["PageUrl"] == outputs["ApiUrl"] + "/" and stack.outputs["PAGE"] == stack.outputs["API_BASE"] + "/"


def test_schedules_give_what_the_functions_expect(stack: Stack) -> None:
    def schedule(name: str) -> tuple[str, str, object]:
        found = stack.aws.client("scheduler").get_schedule(Name=f"{stack.name}-{name}")
        return found["ScheduleExpression"], found["State"], json.loads(found["Target"]["Input"])

    request = {"nights": ["last night"], "content": "Light packet"}
    assert schedule("tend") == ("rate(15 minutes)", "ENABLED", {"tend": True})
    assert schedule("index") == ("cron(30 1 * * ? *)", "ENABLED", {"whole": True})
    assert schedule("optimize") == ("cron(0 2 * * ? *)", "ENABLED", {"whole": True})
    assert schedule("nightly") == (
        "cron(30 2 * * ? *)",
        "DISABLED",
        {"scheduled": request, "time": "<aws.scheduler.scheduled-time>"},
    )


def test_nights_are_rewritten_where_a_place_is_named_and_only_there(stack: Stack, aws: Aws) -> None:
    def place(stack: Stack) -> str:
        configuration = aws.client("lambda").get_function_configuration(FunctionName=stack.outputs["OptimizeFunction"])
        return str(configuration["Environment"]["Variables"]["OPTIMIZED_ARCHIVE"])

    def state(stack: Stack) -> str:
        return str(aws.client("scheduler").get_schedule(Name=f"{stack.name}-optimize")["State"])

    assert (place(stack), state(stack)) == (f"s3://{stack.archive}/fast/", "ENABLED")
    other = Stack(aws, "ferry-tls")
    assert (place(other), state(other)) == ("", "DISABLED")
    allowed = [action for one in other.statements("optimize") for action in as_list(one["Action"])]
    assert not [action for action in allowed if action.startswith(("s3:Put", "s3:Delete", "s3:Abort"))]
    by_hand = Stack(aws, "ferry-tls", OptimizedBucket="fast", OptimizeState="DISABLED")
    assert (place(by_hand), state(by_hand)) == ("s3://fast/", "DISABLED")


def as_list(action: str | list[str]) -> list[str]:
    return [action] if isinstance(action, str) else action


def test_who_rewrites_nights_has_the_disk_for_it_and_does_not_try_again_by_itself(translated: dict[str, Any]) -> None:
    assert translated["Optimize"]["Properties"]["EphemeralStorage"] == {"Size": 10240}
    (invoked,) = [one["Properties"] for name, one in translated.items() if name.startswith("OptimizeEventInvokeConfig")]
    assert invoked["MaximumRetryAttempts"] == 0
    assert invoked["DestinationConfig"] == {"OnFailure": {"Destination": {"Fn::GetAtt": ["DeadEvents", "Arn"]}}}


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
        ({"KafkaCaLayer": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:kafka-ca:1"}, "only used with"),
        ({"SubnetIds": "subnet-0a1b2c3d"}, "need SecurityGroupIds"),
        ({"SecurityGroupIds": "sg-0a1b2c3d"}, "need SubnetIds"),
        ({"KafkaBootstrap": ""}, "Give KafkaBootstrap or MskClusterArn"),
        ({"Access": "jwt"}, "needs UserPoolArn"),
        ({"OptimizedBucket": f"refused-archive-{ACCOUNT}-{REGION}"}, "not rewritten in place"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(
    aws: Aws, capfd: pytest.CaptureFixture[str], parameters: dict[str, str], told: str
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        Stack(aws, "refused", **parameters)
    assert told in capfd.readouterr().err


def test_functions_that_use_kafka_are_in_the_vpc_and_the_others_are_not(translated: dict[str, Any]) -> None:
    inside = {name for name, resource in translated.items() if "VpcConfig" in resource.get("Properties", {})}
    assert inside == {"Fanout", "Worker"}


def test_the_same_have_the_layer_with_authorities(translated: dict[str, Any]) -> None:
    layers = {name: resource.get("Properties", {}).get("Layers") for name, resource in translated.items()}
    assert {name for name, given in layers.items() if given} == {"Fanout", "Worker"}
    # The name in the layer is that in the variable.
    variables = translated["Worker"]["Properties"]["Environment"]["Variables"]
    assert variables["KAFKA_CA_FILE"] == {"Fn::If": ["HasCaLayer", "/opt/kafka-ca.pem", ""]}
