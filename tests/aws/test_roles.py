"""The functions on a MiniStack that enforces roles: what the template allows them suffices for what they do, MSK's brokers
looked up included.

That it allows no more is tried in `infra/tests`, call by call.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ALERTS, FAST, LAST_NIGHT, POISON, ROOT, SIMULATED, Stack, answers, free_port, partition, wait_for

LOCAL = "arn:aws:sqs:{}:000000000000:{}"


@pytest.fixture(scope="module")
def strict(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The same service, with the same Kafka, where whoever has no right is refused."""
    data, port = tmp_path_factory.mktemp("ministack"), free_port()
    kafka = ["--kafka", os.environ["KAFKA_BOOTSTRAP"]]
    run = [ROOT / "localstack/ministack/run", "--data", data, "--port", str(port), "--roles", *kafka]
    server = subprocess.Popen(run, stdout=(data / "server.log").open("wb"), stderr=subprocess.STDOUT)
    try:
        wait_for("MiniStack", lambda: server.poll() is not None or answers(port), 300)
        assert server.poll() is None, (data / "server.log").read_text()
        strict = Stack("strict", f"http://127.0.0.1:{port}")
        login = {"KafkaSecretArn": strict.keep_login()} if os.environ.get("KAFKA_SECURITY", "").startswith("scram") else {}
        # The brokers are looked up, as on MSK.
        strict.up(DeliveryTimeoutSeconds="5", KafkaBootstrap="", MskClusterArn=make_cluster(strict), **login, **strict.optimizing())
        forgive(strict)
        # Its nights are indexed at once.
        strict.deploy("archive", str(Path(os.environ["NIGHTFERRY_SCRATCH"]) / "archive"))
        yield strict
    finally:
        server.terminate()
        server.wait(30)


def make_cluster(strict: Stack) -> str:
    """A cluster of MSK, whose brokers are those of `--kafka`; its ARN."""
    nodes = {"InstanceType": "kafka.m5.large", "ClientSubnets": ["subnet-1", "subnet-2"]}
    made = strict.client("kafka").create_cluster(
        ClusterName="field", KafkaVersion="3.6.0", NumberOfBrokerNodes=2, BrokerNodeGroupInfo=nodes
    )
    return made["ClusterArn"]


def forgive(strict: Stack) -> None:
    """Where MiniStack asks for what AWS does not: a right to send in batches, and TLS on 127.0.0.1."""
    strict.client("s3").delete_bucket_policy(Bucket=strict.outputs["JobsBucket"])
    queue = LOCAL.format(os.environ["AWS_REGION"], strict.outputs["TasksQueue"].rsplit("/", 1)[-1])
    allow = {"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": queue}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    for role in ("FanoutRole", "WorkerRole", "StatusRole"):
        strict.client("iam").put_role_policy(RoleName=strict.resource(role), PolicyName="batch", PolicyDocument=policy)


def test_a_job_goes_through_all_functions(strict: Stack) -> None:
    assert set(SIMULATED) <= set(strict.nights())
    assert strict.estimate(SIMULATED[:1])["alerts"] == ALERTS
    job = strict.submit([SIMULATED[0], POISON])
    document = strict.ended(job["id"], "partial")
    strict.holds_each_once(document["status"]["topic"], ALERTS)
    assert strict.receipt(job["id"])["total"]["sent"] == ALERTS
    sample = strict.ask("GET", f"/v1/jobs/{job['id']}/sample")[2]["alerts"]
    assert {shown["night"] for shown in sample} == {SIMULATED[0]}
    letters = strict.client("sqs").receive_message(QueueUrl=strict.outputs["DeadTasksQueue"])["Messages"]
    assert [json.loads(letter["Body"])["night"] for letter in letters] == [POISON]
    assert strict.ask("POST", f"/v1/jobs/{job['id']}/retry")[0] == 200
    strict.ended(job["id"], "partial")


def test_the_page_and_what_it_begins_with_are_served(strict: Stack) -> None:
    assert strict.file()[0] == strict.ask("GET", "/v1/service")[0] == strict.ask("GET", "/v1/functions")[0] == 200


def test_the_archive_is_indexed_and_estimates_come_from_that(strict: Stack) -> None:
    for night in SIMULATED:
        strict.indexed(night, ALERTS)
    estimate = strict.estimate(SIMULATED, conditions="candidate.magpsf < 18.5")
    assert all(night["indexed"] for night in estimate["nights"]) and estimate["contents"] and estimate["seconds"] > 0
    assert strict.ask("GET", f"/v1/classes?nights={SIMULATED[0]}")[0] == 200
    assert strict.ask("GET", f"/v1/schema?night={SIMULATED[0]}")[0] == 200
    # What is gone is deleted, and what no event told of is found.
    archive = Path(os.environ["NIGHTFERRY_SCRATCH"]) / "archive"
    night = SIMULATED[2]
    (file,) = (archive / "science" / partition(night)).glob("*.parquet")
    s3, bucket = strict.client("s3"), strict.outputs["ArchiveBucket"]
    s3.delete_object(Bucket=bucket, Key=file.relative_to(archive).as_posix())
    wait_for("its removal", lambda: strict.object(f"index/nights/{night}.json") is None)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    strict.put_night(archive, night)
    assert strict.invoke("Index", {"whole": True}) == {"indexed": 1, "failed": {}, "left": 0}
    strict.indexed(night, ALERTS)


def test_nights_are_rewritten_anew_when_they_change_and_else_once(strict: Stack, tmp_path: Path) -> None:
    night = SIMULATED[1]
    archive = Path(os.environ["NIGHTFERRY_SCRATCH"]) / "archive"
    (file,) = (archive / "science" / partition(night)).glob("*.parquet")
    first = strict.invoke("Optimize", {"nights": night})
    assert first["optimized"][night]["alerts"] == ALERTS and not first["failed"], first
    strict.holds_the_same(file, night)
    there = strict.rewritten(night)
    assert set(there) == {"_optimized.json", "optimized-0.zstd.parquet"}
    second = strict.invoke("Optimize", {"nights": night})
    assert (second["optimized"], second["unchanged"]) == ({}, 1) and strict.rewritten(night) == there
    # The mark is lost, which a function that may list nothing else has to learn.
    key = f"{FAST}science/{partition(night)}/_optimized.json"
    strict.client("s3").delete_object(Bucket=strict.outputs["ArchiveBucket"], Key=key)
    # All nights but that which is no Parquet.
    whole = strict.invoke("Optimize", {"whole": True})
    assert set(whole["failed"]) == {POISON} and "damaged" in whole["failed"][POISON], whole
    assert (set(whole["optimized"]), whole["left"]) == ({*SIMULATED, LAST_NIGHT}, [])
    again = strict.invoke("Optimize", {"whole": True})
    assert (again["optimized"], again["unchanged"]) == ({}, len(SIMULATED) + 1), again


def test_a_job_is_cancelled(strict: Stack) -> None:
    job = strict.submit(SIMULATED[:2], pace={"alerts_per_second": 50})
    wait_for("some alerts", lambda: strict.job(job["id"])["status"]["counts"]["sent"] > 20)
    assert strict.ask("DELETE", f"/v1/jobs/{job['id']}")[0] == 200
    strict.ended(job["id"], "cancelled")


def test_a_dropped_manifest_and_the_schedule_run_as_jobs(strict: Stack) -> None:
    strict.put("jobs/by hand/manifest.json", json.dumps({"nights": SIMULATED[:1], "limit": 20}))
    dropped = wait_for("an answer", lambda: strict.object("jobs/by hand/answer.json"))["job"]
    scheduled = strict.invoke("Submit", {"scheduled": {"nights": SIMULATED[:1], "limit": 20}})["job"]
    for job in (dropped, scheduled):
        strict.holds_each_once(strict.ended(job)["status"]["topic"], 20)
    assert strict.invoke("Fanout", {"tend": True}) == {"expired": 0, "woken": 0}
