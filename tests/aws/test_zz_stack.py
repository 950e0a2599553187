"""The life of the stack itself; last, as it ends with its removal."""

from conftest import SIMULATED, Stack


def variables(stack: Stack, function: str) -> dict:
    answer = stack.client("lambda").get_function_configuration(FunctionName=stack.resource(function))
    return answer["Environment"]["Variables"]


def test_an_update_changes_what_it_should_and_keeps_the_jobs(stack: Stack) -> None:
    job = stack.submit([SIMULATED[0]], limit=10)
    topic = stack.ended(job["id"])["status"]["topic"]
    kept = {key: value for key, value in variables(stack, "Worker").items() if key != "ALERTS_PER_JOB"}
    parameters = {
        "AlertsPerJob": "5",
        "DeliveryTimeoutSeconds": kept["DELIVERY_TIMEOUT_SECONDS"],
        "JobRetentionDays": kept["JOB_RETENTION_DAYS"],
        "KafkaSecretArn": kept["KAFKA_SECRET_ARN"],
    }
    stack.up(**parameters)
    changed = variables(stack, "Worker")
    assert changed.pop("ALERTS_PER_JOB") == "5" and changed == kept
    assert stack.job(job["id"])["status"]["topic"] == topic
    status, kind, problem = stack.ask("POST", "/v1/jobs", {"nights": [SIMULATED[0]]})
    assert (status, kind) == (422, "application/problem+json") and "limit: 5" in problem["problems"][0]["instead"]
    stack.ended(stack.submit([SIMULATED[0]], limit=5)["id"])


def test_a_removal_leaves_nothing_but_the_archive(stack: Stack) -> None:
    name = stack.resource("Worker")
    stack.deploy("down")
    functions = [one["FunctionName"] for one in stack.client("lambda").list_functions()["Functions"]]
    assert name not in functions and not [one for one in functions if one.startswith(stack.name)]
    buckets = [one["Name"] for one in stack.client("s3").list_buckets()["Buckets"] if one["Name"].startswith(stack.name)]
    assert buckets == [stack.outputs["ArchiveBucket"]]
    assert not [one for one in stack.client("dynamodb").list_tables()["TableNames"] if one.startswith(stack.name)]
