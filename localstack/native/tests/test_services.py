"""Functions driven by other services."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from conftest import Server, wait_for


def messages(server: Server, queue: str) -> list[str]:
    answer = server.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def records(server: Server, name: str) -> list[dict[str, Any]]:
    lines = [line for line in server.log(name).splitlines() if line.startswith("records: ")]
    return [record for line in lines for record in json.loads(line.removeprefix("records: "))["Records"]]


def test_failed_messages_alone_come_again_and_end_among_the_dead_letters(server: Server) -> None:
    dead, dead_arn = server.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    queue, queue_arn = server.queue(VisibilityTimeout="1", RedrivePolicy=redrive)
    name = server.function(timeout=1)
    server.client("lambda").create_event_source_mapping(
        FunctionName=name, EventSourceArn=queue_arn, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    sqs = server.client("sqs")
    for body in ("good", "bad", "also good"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert wait_for("the dead letter", lambda: messages(server, dead)) == ["bad"]
    bodies = [record["body"] for record in records(server, name)]
    assert sorted(bodies) == ["also good", "bad", "bad", "good"]


def test_a_batch_of_a_crashed_function_comes_again(server: Server) -> None:
    dead, dead_arn = server.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    queue, queue_arn = server.queue(VisibilityTimeout="1", RedrivePolicy=redrive)
    name = server.function({"START": "exit"}, timeout=1)
    server.client("lambda").create_event_source_mapping(FunctionName=name, EventSourceArn=queue_arn)
    server.client("sqs").send_message(QueueUrl=queue, MessageBody="lost?")
    assert wait_for("the dead letter", lambda: messages(server, dead)) == ["lost?"]


def test_a_queue_feeds_as_many_at_a_time_as_its_mapping_says(server: Server) -> None:
    queue, queue_arn = server.queue(VisibilityTimeout="30")
    name = server.function()
    server.client("lambda").create_event_source_mapping(
        FunctionName=name, EventSourceArn=queue_arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 3}
    )
    for _ in range(9):
        server.client("sqs").send_message(QueueUrl=queue, MessageBody="slow")
    log = wait_for("nine reports", lambda: (text := server.log(name)).count("REPORT") == 9 and text)
    slots = [json.loads(line.removeprefix("slept: ")) for line in log.splitlines() if line.startswith("slept: ")]
    assert len({slot["pid"] for slot in slots}) == 3
    assert max(sum(other["from"] <= slot["from"] < other["to"] for other in slots) for slot in slots) == 3


def test_an_object_by_name_starts_a_function(server: Server) -> None:
    name = server.function()
    functions, s3 = server.client("lambda"), server.client("s3")
    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    bucket = f"bucket-{name}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    functions.add_permission(
        FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    rules = [{"Name": "prefix", "Value": "jobs/"}, {"Name": "suffix", "Value": "manifest.json"}]
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {
                    "LambdaFunctionArn": arn,
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": rules}},
                }
            ]
        },
    )
    for key in ("jobs/1/plan.json", "else/manifest.json", "jobs/1/manifest.json"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    found = wait_for("the event", lambda: records(server, name))
    assert [record["s3"]["object"]["key"] for record in found] == ["jobs/1/manifest.json"]


def test_a_table_takes_conditional_writes(server: Server) -> None:
    table = server.client("dynamodb")
    table.create_table(
        TableName="jobs",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    row = {"pk": {"S": "job"}, "sk": {"S": "task"}, "attempt": {"N": "1"}}
    table.put_item(TableName="jobs", Item=row, ConditionExpression="attribute_not_exists(pk)")
    try:
        table.put_item(TableName="jobs", Item=row, ConditionExpression="attribute_not_exists(pk)")
    except table.exceptions.ConditionalCheckFailedException:
        pass
    else:
        raise AssertionError("a second write went through")
    assert table.query(
        TableName="jobs", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "job"}}
    )["Items"] == [row]


def test_of_conditional_writes_at_once_exactly_one_goes_through(server: Server) -> None:
    table = server.client("dynamodb")
    table.create_table(
        TableName="twins",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )

    def write(seen: int) -> bool:
        try:
            table.put_item(
                TableName="twins",
                Item={"pk": {"S": "job"}, "version": {"N": str(seen + 1)}},
                ConditionExpression="attribute_not_exists(pk) OR version = :seen",
                ExpressionAttributeValues={":seen": {"N": str(seen)}},
            )
        except table.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as twins:
        for version in range(40):
            assert sum(twins.map(write, [version] * 8)) == 1, version
