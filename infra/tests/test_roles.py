"""Each function may do what it must, and no more."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest import ACCOUNT, CLUSTER, FUNCTIONS, REGION, SECRET, Stack, outcome

NIGHT = "science/year=2026/month=03/day=22/a.parquet"
FAST = "fast/science/year=2026/month=03/day=22"
ROW = {"pk": {"S": "job#1"}, "sk": {"S": "job"}}
SCANNERS = {"estimate", "index", "fanout", "worker"}
READERS = {*SCANNERS, "optimize"}
KEEPERS = {"submit", "fanout", "worker", "status"}
# Of those, all but status list any folder of the bucket.
LISTERS = KEEPERS - {"status"}
# Who tells what a request would come to, and is asked by submit: fan-out does so of one that somebody dropped.
FORETELLERS = {"estimate", "fanout"}

Call = Callable[[Stack, Callable[[str], Any]], object]


def queue(name: str, call: str, **given: object) -> Call:
    return lambda stack, as_role: getattr(as_role("sqs"), call)(QueueUrl=stack.resources[name], **given)


def objects(bucket: str, call: str, **given: object) -> Call:
    return lambda stack, as_role: getattr(as_role("s3"), call)(Bucket=getattr(stack, bucket), **given)


def table(call: str, **given: object) -> Call:
    return lambda stack, as_role: getattr(as_role("dynamodb"), call)(TableName=stack.resources["Table"], **given)


def transaction(stack: Stack, as_role: Callable[[str], Any]) -> object:
    put = {"Put": {"TableName": stack.resources["Table"], "Item": ROW}}
    return as_role("dynamodb").transact_write_items(TransactItems=[put])


def batch(stack: Stack, as_role: Callable[[str], Any]) -> object:
    return as_role("dynamodb").batch_get_item(RequestItems={stack.resources["Table"]: {"Keys": [ROW]}})


# What is tried, who may, and what it comes to for them. Batches of messages are left out: for them AWS asks for the
# right to send, MiniStack for one that AWS does not have.
CALLS: dict[str, tuple[Call, set[str], str]] = {
    "list the archive's nights": (objects("archive", "list_objects_v2", Prefix="science/"), READERS, "done"),
    "list the rest of the archive's bucket": (objects("archive", "list_objects_v2", Prefix=""), set(), ""),
    "read a night": (objects("archive", "get_object", Key=NIGHT), READERS, "done"),
    "read the TNS table": (objects("archive", "get_object", Key="catalogues/tns.parquet"), SCANNERS, "done"),
    "read beside the archive": (objects("archive", "get_object", Key="secret/b.parquet"), set(), ""),
    "write the archive": (objects("archive", "put_object", Key=NIGHT, Body=b""), set(), ""),
    "delete from the archive": (objects("archive", "delete_object", Key=NIGHT), set(), ""),
    "list optimised nights": (objects("archive", "list_objects_v2", Prefix=f"{FAST}/"), {"optimize"}, "done"),
    "learn that a night is not optimised": (
        objects("archive", "get_object", Key=f"{FAST}/_optimized.json"),
        {"optimize"},
        "NoSuchKey",
    ),
    "write an optimised night": (
        objects("archive", "put_object", Key=f"{FAST}/optimized-0.zstd.parquet", Body=b""),
        {"optimize"},
        "done",
    ),
    "write it in parts": (
        objects("archive", "create_multipart_upload", Key=f"{FAST}/optimized-1.zstd.parquet"),
        {"optimize"},
        "done",
    ),
    "give up a part": (
        objects("archive", "abort_multipart_upload", Key=f"{FAST}/optimized-1.zstd.parquet", UploadId="none"),
        {"optimize"},
        "NoSuchUpload",
    ),
    "delete an optimised night": (
        objects("archive", "delete_object", Key=f"{FAST}/optimized-0.zstd.parquet"),
        {"optimize"},
        "done",
    ),
    "mark a night as optimised": (
        objects("archive", "put_object", Key=f"{FAST}/_optimized.json", Body=b"{}"),
        {"optimize"},
        "done",
    ),
    "take the mark away": (objects("archive", "delete_object", Key=f"{FAST}/_optimized.json"), {"optimize"}, "done"),
    "write somebody else's file there": (objects("archive", "put_object", Key=f"{FAST}/a.parquet", Body=b""), set(), ""),
    "delete somebody else's file there": (objects("archive", "delete_object", Key=f"{FAST}/a.parquet"), set(), ""),
    "write beside optimised nights": (
        objects("archive", "put_object", Key="fast/optimized-0.zstd.parquet", Body=b""),
        set(),
        "",
    ),
    "write an optimised night into the archive": (
        objects("archive", "put_object", Key=FAST.removeprefix("fast/") + "/optimized-0.zstd.parquet", Body=b""),
        set(),
        "",
    ),
    "read a job's plan": (objects("jobs", "get_object", Key="jobs/1/plan.json"), KEEPERS, "done"),
    "learn that a receipt is missing": (objects("jobs", "get_object", Key="jobs/1/no.json"), KEEPERS, "NoSuchKey"),
    "write a receipt": (objects("jobs", "put_object", Key="jobs/1/receipt.json", Body=b"{}"), KEEPERS, "done"),
    "write beside the jobs": (objects("jobs", "put_object", Key="else", Body=b""), set(), ""),
    "delete a receipt": (objects("jobs", "delete_object", Key="jobs/1/receipt.json"), set(), ""),
    "list the jobs": (objects("jobs", "list_objects_v2", Prefix="jobs/"), LISTERS, "done"),
    "list a job's objects": (objects("jobs", "list_objects_v2", Prefix="jobs/1/"), LISTERS, "done"),
    "list a job's samples": (objects("jobs", "list_objects_v2", Prefix="jobs/1/sample/"), KEEPERS, "done"),
    "read a sample": (objects("jobs", "get_object", Key="jobs/1/sample/000000.json"), KEEPERS, "done"),
    "write a sample": (objects("jobs", "put_object", Key="jobs/1/sample/000000.json", Body=b"{}"), KEEPERS, "done"),
    "delete a sample": (objects("jobs", "delete_object", Key="jobs/1/sample/000000.json"), set(), ""),
    # Who must learn that a single object is missing may list without a prefix too: AWS cannot tell the one from the other.
    "list all without a prefix": (objects("jobs", "list_objects_v2"), {*KEEPERS, "estimate", "index"}, "done"),
    "list the index": (objects("jobs", "list_objects_v2", Prefix="index/nights/"), {*LISTERS, "estimate", "index"}, "done"),
    "read the index": (objects("jobs", "get_object", Key="index/catalogue.json.zst"), {*FORETELLERS, "index"}, "done"),
    "learn that a night is not indexed": (
        objects("jobs", "get_object", Key="index/nights/2026-03-22.json"),
        {*FORETELLERS, "index"},
        "NoSuchKey",
    ),
    "write the index": (objects("jobs", "put_object", Key="index/nights/1.json", Body=b"{}"), {"index"}, "done"),
    "delete from the index": (objects("jobs", "delete_object", Key="index/nights/1.json"), {"index"}, "done"),
    "get a row": (table("get_item", Key=ROW), KEEPERS, "done"),
    "get rows": (batch, {*KEEPERS, "estimate"}, "done"),
    "put a row": (table("put_item", Item=ROW), KEEPERS, "done"),
    "put rows at once": (transaction, KEEPERS, "done"),
    "update a row": (table("update_item", Key=ROW), KEEPERS, "done"),
    "query rows": (
        table("query", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "job#1"}}),
        {*KEEPERS, "estimate"},
        "done",
    ),
    "delete a row": (table("delete_item", Key=ROW), set(), ""),
    "scan the table": (table("scan"), set(), ""),
    "send a task": (queue("Tasks", "send_message", MessageBody="{}"), {"fanout", "worker", "status"}, "done"),
    "look at the queue": (queue("Tasks", "get_queue_attributes", AttributeNames=["All"]), {"fanout", "worker"}, "done"),
    "receive a task": (queue("Tasks", "receive_message"), {"worker"}, "done"),
    "hide a task longer": (
        queue("Tasks", "change_message_visibility", ReceiptHandle="none", VisibilityTimeout=60),
        {"worker"},
        "ReceiptHandleIsInvalid",
    ),
    "empty the queue": (queue("Tasks", "purge_queue"), set(), ""),
    "send a dead letter": (queue("DeadTasks", "send_message", MessageBody="{}"), {"fanout", "worker"}, "done"),
    "receive a dead letter": (queue("DeadTasks", "receive_message"), set(), ""),
    "send a dead event": (queue("DeadEvents", "send_message", MessageBody="{}"), {"submit", "index", "optimize", "fanout"}, "done"),
    "tell of a file": (queue("Files", "send_message", MessageBody="{}"), set(), ""),
    "look at the queue of files": (queue("Files", "get_queue_attributes", AttributeNames=["All"]), {"index"}, "done"),
    "receive what is told of files": (queue("Files", "receive_message"), {"index"}, "done"),
    "hide what is told of files longer": (
        queue("Files", "change_message_visibility", ReceiptHandle="none", VisibilityTimeout=60),
        set(),
        "",
    ),
    "receive what was given up of files": (queue("DeadFiles", "receive_message"), set(), ""),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("what", CALLS)
def test_a_function_does_what_it_must_and_no_more(over_http: Stack, function: str, what: str) -> None:
    call, who, expected = CALLS[what]
    came_to = outcome(lambda: call(over_http, lambda service: over_http.as_role(function, service)))
    assert came_to == (expected if function in who else "refused")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_its_own_log_alone(stack: Stack, function: str) -> None:
    for other in FUNCTIONS:
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/ferry-{other}:log-stream:a"
        assert stack.is_allowed(function, "logs:PutLogEvents", group) == (function == other)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_who_submits_asks_who_estimates_and_who_makes_topics_and_no_function_calls_another(stack: Stack, function: str) -> None:
    for other in FUNCTIONS:
        called = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{stack.resources[other.capitalize()]}"
        assert stack.is_allowed(function, "lambda:InvokeFunction", called) == (
            function == "submit" and other in ("estimate", "fanout")
        )


def kafka(kind: str, name: str = "") -> str:
    return CLUSTER.replace(":cluster/", f":{kind}/") + name


TOPIC, SCHEMA = "/ftransfer_ztf_2026-03-23_11487", "/ftransfer_ztf_2026-03-23_11487_schema"
PRODUCERS = {"fanout", "worker"}
KAFKA = [
    ("Connect", kafka("cluster"), PRODUCERS),
    ("WriteDataIdempotently", kafka("cluster"), {"worker"}),
    ("AlterCluster", kafka("cluster"), set()),
    ("CreateTopic", kafka("topic", TOPIC), PRODUCERS),
    ("CreateTopic", kafka("topic", SCHEMA), PRODUCERS),
    ("CreateTopic", kafka("topic", "/somebody-elses"), set()),
    ("DescribeTopic", kafka("topic", TOPIC), PRODUCERS),
    ("DescribeTopic", kafka("topic", "/somebody-elses"), set()),
    ("ReadData", kafka("topic", TOPIC), {"fanout", "worker"}),
    ("ReadData", kafka("topic", "/somebody-elses"), set()),
    ("WriteData", kafka("topic", TOPIC), {"worker"}),
    ("WriteData", kafka("topic", SCHEMA), {"fanout", "worker"}),
    ("WriteData", kafka("topic", "/somebody-elses"), set()),
    ("DeleteTopic", kafka("topic", TOPIC), {"fanout"}),
    ("DeleteTopic", kafka("topic", "/somebody-elses"), set()),
    ("AlterTopic", kafka("topic", TOPIC), set()),
    ("DescribeGroup", kafka("group", "/nightferry-tail"), {"fanout", "worker"}),
    ("AlterGroup", kafka("group", "/nightferry-tail"), set()),
]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("action", "resource", "who"), KAFKA)
def test_kafka_is_open_to_a_function_as_far_as_it_must_be(
    stack: Stack, function: str, action: str, resource: str, who: set[str]
) -> None:
    assert stack.is_allowed(function, f"kafka-cluster:{action}", resource) == (function in who)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_brokers_are_looked_up_by_who_uses_them_or_tells_of_them(stack: Stack, scram: Stack, function: str) -> None:
    assert stack.is_allowed(function, "kafka:GetBootstrapBrokers", CLUSTER) == (function in PRODUCERS | {"submit"})
    assert not scram.is_allowed(function, "kafka-cluster:Connect", CLUSTER)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_secret_is_read_by_who_uses_it(stack: Stack, scram: Stack, function: str) -> None:
    assert scram.is_allowed(function, "secretsmanager:GetSecretValue", SECRET) == (function in PRODUCERS)
    assert not stack.is_allowed(function, "secretsmanager:GetSecretValue", SECRET)
    # The key only on behalf of that secret, which MiniStack cannot simulate.
    assert not scram.is_allowed(function, "kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1")
    decrypt = [one for one in scram.statements(function) if one["Action"] == "kms:Decrypt"]
    condition = {"StringEquals": {"kms:EncryptionContext:SecretARN": SECRET}}
    assert [one["Condition"] for one in decrypt] == ([condition] if function in PRODUCERS else [])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_lambda_takes_a_role(stack: Stack, function: str) -> None:
    name = stack.resources[f"{function.capitalize()}Role"]
    document = stack.aws.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    document = json.loads(document) if isinstance(document, str) else document
    assert [one["Principal"] for one in document["Statement"]] == [{"Service": "lambda.amazonaws.com"}]
