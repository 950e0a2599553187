"""The index: each night is in it soon after its files are in the archive, and estimates come from it."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ALERTS, CLIENTS, POISON, SIMULATED, Stack, archive_key, simulate, wait_for

# More alerts than a sample has, so that conditions are estimated rather than counted.
LARGE, MANY = "2025-11-05", 9000
OTHER = "2025-11-06"
BRIGHT = "candidate.magpsf < 18.5"
COUNT = """
import sys, pyarrow.parquet as parquet, pyarrow.compute as compute
magpsf = parquet.ParquetFile(sys.argv[1]).read(columns=["candidate.magpsf"])["candidate"].combine_chunks().field("magpsf")
print(compute.sum(compute.less(magpsf, 18.5)).as_py())
"""


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that is not uploaded yet."""
    folder = tmp_path_factory.mktemp("nights")
    simulate(folder, [LARGE], MANY, "--no-cutouts")
    simulate(folder, [OTHER], 300, "--no-cutouts")
    return folder


@pytest.fixture(scope="module")
def large(stack: Stack, nights: Path) -> Path:
    """The large night, put into the archive and indexed; its file."""
    file = stack.put_night(nights, LARGE)
    stack.indexed(LARGE, MANY)
    return file


@pytest.fixture
def untold(stack: Stack) -> Iterator[None]:
    """Meanwhile the archive tells of none of its files."""
    s3, bucket = stack.client("s3"), stack.outputs["ArchiveBucket"]
    told = s3.get_bucket_notification_configuration(Bucket=bucket)
    told.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    yield
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)


def message(key: str) -> dict[str, Any]:
    """What Lambda hands over of the queue when S3 has told of a file."""
    written = key.replace("=", "%3D")
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"object": {"key": written, "size": 1}}}
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": "a",
        "body": json.dumps({"Records": [record]}),
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


def settle(stack: Stack) -> None:
    """Waits until every message on the queue of files is done with."""
    sqs, queue = stack.client("sqs"), stack.outputs["FilesQueue"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    waiting = lambda: [int(n) for n in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"].values()]  # noqa: E731
    wait_for("an idle queue", lambda: sum(waiting()) == 0)


def send(stack: Stack, *bodies: str) -> None:
    """Puts messages on the queue of files and waits until they are done with."""
    sqs, queue = stack.client("sqs"), stack.outputs["FilesQueue"]
    for body in bodies:
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    settle(stack)


def written(stack: Stack) -> dict[str, Any]:
    """When each object of the index was written."""
    pages = stack.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=stack.outputs["JobsBucket"], Prefix="index/")
    return {one["Key"]: one["LastModified"] for page in found for one in page["Contents"]}


def test_a_night_that_is_put_into_the_archive_is_indexed(stack: Stack, large: Path) -> None:
    told = stack.indexed(LARGE, MANY)
    assert told["indexed"] and (told["files"], told["unreadable"], told["bytes"]) == (1, 0, large.stat().st_size)
    assert sum(told["bands"].values()) == MANY and told["jd"][0] < told["jd"][1] < told["jd"][0] + 1
    for night in SIMULATED:
        stack.indexed(night, ALERTS)


def test_an_estimate_counts_what_it_can_and_tells_an_interval_of_the_rest(stack: Stack, large: Path) -> None:
    whole = stack.estimate([LARGE])
    assert (whole["exact"], whole["alerts"], whole["nights"][0]["indexed"]) == (True, MANY, True)
    assert whole["alerts_tried"] == 0 and whole["seconds"] > 0 and len(whole["contents"]) == 4
    answer = subprocess.run([CLIENTS / "fink-12/bin/python", "-c", COUNT, large], capture_output=True, text=True, check=True)
    truth = int(answer.stdout)
    some = stack.estimate([LARGE], conditions=BRIGHT)
    assert not some["exact"] and 0 < some["alerts_tried"] < MANY
    assert 0 < some["alerts_low"] < some["alerts"] < some["alerts_high"] < MANY
    assert some["alerts_low"] <= truth <= some["alerts_high"], truth


def test_classes_are_told_with_their_alerts(stack: Stack, large: Path) -> None:
    status, _, classes = stack.ask("GET", f"/v1/classes?nights={LARGE}")
    own = {one["class"]: one["alerts"] for one in classes if not one["class"].startswith("(TNS)")}
    assert status == 200 and sum(own.values()) == MANY and own["SN candidate"] > 0
    rare = next(name for name, alerts in own.items() if 0 < alerts < 100)
    estimate = stack.estimate([LARGE], classes=[rare])
    assert (estimate["exact"], estimate["alerts"]) == (True, own[rare])
    status, kind, _ = stack.ask("GET", "/v1/classes?nights=someday")
    assert (status, kind) == (422, "application/problem+json")


def test_fields_are_told_with_their_meaning_and_a_nights_bounds(stack: Stack, large: Path) -> None:
    field = lambda schema: next(one for one in schema["fields"] if one["field"] == "candidate.magpsf")  # noqa: E731
    status, _, schema = stack.ask("GET", "/v1/schema")
    assert status == 200 and schema["nights"] >= len(SIMULATED)
    assert field(schema)["unit"] == "mag" and field(schema)["can_be_named"] and "least" not in field(schema)
    status, _, schema = stack.ask("GET", f"/v1/schema?night={LARGE}")
    assert status == 200 and 10 < field(schema)["least"] < field(schema)["greatest"] < 25
    status, kind, _ = stack.ask("GET", "/v1/schema?night=2001-01-01")
    assert (status, kind) == (404, "application/problem+json")


def test_a_file_that_is_no_parquet_is_told_of_and_tried_no_further(stack: Stack) -> None:
    told = stack.indexed(POISON, 0)
    assert told["unreadable"] == 1 and "cannot be read" in told["trouble"]
    dead = stack.client("sqs").receive_message(QueueUrl=stack.outputs["DeadFilesQueue"], VisibilityTimeout=0)
    assert "Messages" not in dead


def test_a_file_that_is_replaced_is_noticed_and_one_that_is_gone_forgotten(stack: Stack, nights: Path, tmp_path: Path) -> None:
    stack.put_night(nights, OTHER)
    stack.indexed(OTHER, 300)
    before = stack.object(f"index/nights/{OTHER}.json")
    simulate(tmp_path, [OTHER], 200, "--no-cutouts", "--seed", "2")
    stack.put_night(tmp_path, OTHER)
    stack.indexed(OTHER, 200)
    after = stack.object(f"index/nights/{OTHER}.json")
    assert before["mark"] != after["mark"] and before["sample"]["path"] != after["sample"]["path"]
    assert stack.estimate([OTHER])["alerts"] == 200
    stack.take_night(OTHER)
    wait_for("its removal", lambda: stack.object(f"index/nights/{OTHER}.json") is None)
    # An estimate believes for a minute what nights were listed last; this lists them.
    assert OTHER not in stack.nights()
    wait_for("its end", lambda: stack.ask("POST", "/v1/estimates", {"nights": [OTHER]})[0] == 404, 90)


def test_a_message_that_comes_twice_changes_nothing(stack: Stack, large: Path) -> None:
    # What the files before told is written, the catalogue last.
    settle(stack)
    before = written(stack)
    assert f"index/nights/{LARGE}.json" in before and "index/catalogue.json.zst" in before
    told = message(archive_key(LARGE))
    assert stack.invoke("Index", {"Records": [told, told]}) == {"batchItemFailures": []}
    send(stack, told["body"], told["body"])
    assert written(stack) == before


def test_what_s3_sends_to_try_the_queue_is_passed_over_and_nonsense_is_not(stack: Stack, large: Path) -> None:
    trial = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "archive"})
    send(stack, trial)
    passed, nonsense = message("science/readme.txt") | {"body": trial}, message("") | {"body": '{"Message": "of nobody"}'}
    answer = stack.invoke("Index", {"Records": [passed, nonsense, message(archive_key(LARGE))]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": nonsense["messageId"]}]}


def test_the_schedule_finds_what_no_event_told_of(stack: Stack, nights: Path, untold: None) -> None:
    stack.put_night(nights, OTHER)
    assert not stack.nights()[OTHER]["indexed"]
    # Not indexed, it is estimated all the same.
    assert not stack.estimate([OTHER])["nights"][0]["indexed"]
    answer = stack.invoke("Index", {"whole": True})
    assert (answer["indexed"], answer["left"]) == (1, 0), answer
    assert stack.indexed(OTHER, 300)["indexed"]
    stack.take_night(OTHER)
    assert stack.invoke("Index", {"whole": True})["indexed"] == 0
    assert stack.object(f"index/nights/{OTHER}.json") is None
