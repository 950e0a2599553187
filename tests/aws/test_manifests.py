"""Jobs from a manifest in the bucket, and from the schedule."""

import datetime
import json
import uuid

from conftest import ALERTS, LAST_NIGHT, SIMULATED, Stack, wait_for


def answer_to(stack: Stack, name: str) -> dict:
    return wait_for(f"an answer to {name}", lambda: stack.object(f"jobs/{name}/answer.json"))


def test_a_manifest_that_is_dropped_by_hand_runs_as_a_job(stack: Stack) -> None:
    stack.put("jobs/my supernovae/manifest.yaml", f"nights: [{SIMULATED[0]}]\nlimit: 25\nname: by hand\n")
    answer = answer_to(stack, "my supernovae")
    document = stack.ended(answer["job"])
    assert document["name"] == "by hand"
    stack.holds_each_once(document["status"]["topic"], 25)


def test_a_manifest_named_by_an_id_is_that_job_once(stack: Stack) -> None:
    name = str(uuid.uuid4())
    request = {"nights": [SIMULATED[1]], "content": "Light packet"}
    stack.put(f"jobs/{name}/manifest.json", json.dumps(request))
    assert answer_to(stack, name) == {"job": name}
    document = stack.ended(name)
    # The same again, as a redelivered event or a hasty hand would have it.
    stack.put(f"jobs/{name}/manifest.json", json.dumps(request))
    again = {"Records": [{"s3": {"bucket": {"name": "jobs"}, "object": {"key": f"jobs/{name}/manifest.json"}}}]}
    stack.invoke("Fanout", again)
    assert stack.ended(name)["status"]["topic"] == document["status"]["topic"]
    stack.holds_each_once(document["status"]["topic"], ALERTS)


def test_an_earlier_manifest_can_be_dropped_again(stack: Stack) -> None:
    first = stack.submit([SIMULATED[0]], limit=10)
    topic = stack.ended(first["id"])["status"]["topic"]
    stack.put("jobs/again/manifest.json", json.dumps(stack.object(f"jobs/{first['id']}/manifest.json")))
    second = stack.ended(answer_to(stack, "again")["job"])
    assert second["id"] != first["id"] and second["status"]["topic"] != topic
    stack.holds_each_once(topic, 10)
    stack.holds_each_once(second["status"]["topic"], 10)


def test_a_manifest_that_cannot_be_taken_is_answered(stack: Stack) -> None:
    stack.put("jobs/wrong/manifest.json", json.dumps({"nights": SIMULATED, "conditions": "candidate.magpfs < 18"}))
    answer = answer_to(stack, "wrong")
    assert "job" not in answer and "magpsf" in answer["problems"][0]["instead"]
    stack.put("jobs/garbage/manifest.json", b"\xff\x00")
    assert "UTF-8" in answer_to(stack, "garbage")["error"]


def test_the_schedule_submits_last_night_once(stack: Stack) -> None:
    def answer(time: str) -> dict:
        event = {"scheduled": {"nights": ["last night"], "content": "Light packet"}, "time": time}
        called = stack.client("lambda").invoke(FunctionName=stack.resource("Submit"), Payload=json.dumps(event))
        return json.load(called["Payload"])

    day = datetime.date.fromisoformat(LAST_NIGHT) + datetime.timedelta(1)
    # The day is that of the schedule, however late the call comes: the archive has nothing of the night before.
    assert "the archive has none of the chosen nights" in answer(f"{LAST_NIGHT}T23:59:00Z")["errorMessage"]
    first, second = answer(f"{day}T00:00:01Z"), answer(f"{day}T00:00:01Z")
    assert first == second
    document = stack.ended(first["job"])
    assert document["nights"] == [LAST_NIGHT]
    stack.holds_each_once(document["status"]["topic"], 50)
    # Without a time it is the day of the call, which may be another one by now.
    unfilled, today = answer("<a time that nobody filled in>"), datetime.datetime.now(datetime.timezone.utc).date()
    if today == day:
        assert unfilled["job"] != first["job"]
    else:
        assert "the archive has none of the chosen nights" in unfilled["errorMessage"]
