"""What goes wrong: nothing is lost, nothing is doubled, and somebody is told."""

import datetime
import json
import os

import boto3

from conftest import ALERTS, POISON, SIMULATED, Stack, wait_for


def letters(stack: Stack, job: str) -> list[dict]:
    sqs, queue = stack.client("sqs"), stack.outputs["DeadTasksQueue"]
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return [letter for letter in (json.loads(message["Body"]) for message in found) if letter.get("job") == job]


def age_by_an_hour(stack: Stack, job: str) -> None:
    """Young jobs are left alone: someone may still be submitting them."""
    table = boto3.resource("dynamodb", endpoint_url=stack.endpoint, region_name=os.environ["AWS_REGION"])
    rows = table.Table(stack.outputs["JobsTable"])
    key = {"pk": f"job#{job}", "sk": "job"}
    row = rows.get_item(Key=key)["Item"]
    body = json.loads(row["body"])
    earlier = datetime.datetime.fromisoformat(body["created"]) - datetime.timedelta(hours=1)
    body["created"] = earlier.isoformat()
    rows.update_item(
        Key=key,
        UpdateExpression="SET body = :body, version = :next",
        ConditionExpression="version = :seen",
        ExpressionAttributeValues={":body": json.dumps(body), ":seen": row["version"], ":next": row["version"] + 1},
    )


def test_a_worker_that_is_killed_in_the_middle_loses_and_doubles_nothing(stack: Stack) -> None:
    job = stack.submit(SIMULATED[:2], pace={"alerts_per_second": 100})
    wait_for("some alerts", lambda: stack.job(job["id"])["status"]["counts"]["sent"] > 50)
    assert stack.kill("Worker") > 0, "no worker runs as a process of this machine"
    document = stack.ended(job["id"], seconds=240)
    assert max(night["attempts"] for night in document["status"]["nights"]) == 2
    stack.holds_each_once(document["status"]["topic"], 2 * ALERTS)
    assert stack.receipt(job["id"])["total"]["sent"] == 2 * ALERTS


def test_a_worker_whose_time_is_up_hands_over(stack: Stack) -> None:
    functions, worker = stack.client("lambda"), stack.resource("Worker")
    timeout = functions.get_function_configuration(FunctionName=worker)["Timeout"]
    functions.update_function_configuration(FunctionName=worker, Timeout=12)
    functions.get_waiter("function_updated_v2").wait(FunctionName=worker)
    try:
        job = stack.submit(SIMULATED[:1], pace={"alerts_per_second": 40})
        document = stack.ended(job["id"], seconds=120)
    finally:
        functions.update_function_configuration(FunctionName=worker, Timeout=timeout)
    assert document["status"]["nights"][0]["attempts"] >= 2
    stack.holds_each_once(document["status"]["topic"], ALERTS)
    ends = {line["attempt"]: line["end"] for line in stack.log("Worker") if "_aws" in line and line["job"] == job["id"]}
    assert ends.pop(max(ends)) == "done" and set(ends.values()) == {"handed over"}


def test_a_poison_night_ends_among_the_dead_letters_and_the_job_says_so(stack: Stack) -> None:
    job = stack.submit([SIMULATED[0], POISON])
    document = stack.ended(job["id"], "partial")
    failed = next(night for night in document["status"]["nights"] if night["night"] == POISON)
    assert failed["state"] == "failed" and "Parquet" in failed["failure"]["reason"]
    letter = wait_for("the dead letter", lambda: letters(stack, job["id"]))[0]
    assert (letter["night"], letter["error"]) == (POISON, failed["failure"]["reason"])
    stack.holds_each_once(document["status"]["topic"], ALERTS)


def test_a_message_that_is_no_work_is_not_taken_for_done(stack: Stack) -> None:
    sqs, queue = stack.client("sqs"), stack.outputs["TasksQueue"]
    nonsense = json.dumps({"Task": {"job": "../..", "index": 0}})
    sqs.send_message(QueueUrl=queue, MessageBody=nonsense)
    said = lambda: [line for line in stack.log("Worker") if "is no work" in line.get("error", "")]  # noqa: E731
    wait_for("a second delivery", lambda: len({line["timestamp"] for line in said()}) >= 2)
    # Ten deliveries would take half an hour: the rest of its life is the queue's (`maxReceiveCount`).
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] > 4, "the job ends after four dead workers"


def test_work_that_was_lost_with_its_queue_is_found_by_who_tends(stack: Stack) -> None:
    job = stack.submit([SIMULATED[0]], pace={"alerts_per_second": 40})
    wait_for("some alerts", lambda: stack.job(job["id"])["status"]["counts"]["sent"] > 20)
    # The message goes, and then its worker: nobody knows of the task any more.
    stack.client("sqs").purge_queue(QueueUrl=stack.outputs["TasksQueue"])
    stack.kill("Worker")
    age_by_an_hour(stack, job["id"])
    wait_for("an idle queue", lambda: stack.invoke("Fanout", {"tend": True})["woken"] == 1, 120)
    topic = stack.ended(job["id"], seconds=180)["status"]["topic"]
    stack.holds_each_once(topic, ALERTS)
