"""Measures how soon the first alert of a job is in its topic, for somebody who polls it.

Cold: from the start of `nightferry up` over a night that nothing is known of, with the job submitted as soon as it
answers. Warm: from the submit of a job on a stack that has done one already. The poller is confluent-kafka's
consumer, which is there before the job; it learns the topic's name from the job's status, asked for every 5 ms. A
consumer that is pointed to a topic it has not heard of may take most of a second to ask for it, so the alert's own
timestamp, which the worker's producer gives it, is told as well.

Writes a table and all figures to a folder.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from calibration.service import Service, running
from comparison.said import say
from confluent_kafka import Consumer, TopicPartition

from .archives import linked, simulated
from .report import lines

ROOT = Path(__file__).resolve().parents[3]
ASK_SECONDS = 0.005
PATIENCE_SECONDS = 60
TARGETS = {"cold": 3.0, "warm": 1.0}
"""Seconds in which the first alert should be there."""
CONTENTS = ["Light packet", "Full packet"]


def arguments() -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(
        prog="first-alert", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alerts", type=int, default=25_000, help="alerts of the night, with cutouts a tenth of that")
    parser.add_argument("--times", type=int, default=5, help="how often each is measured")
    parser.add_argument("--binaries", type=Path, default=ROOT / "target/release")
    parser.add_argument("--output", type=Path, default=ROOT / "target/scale")
    return parser.parse_args()


def topic_of(service: Service, job: str) -> tuple[str, int]:
    """The name and the partitions of a job's topic, as soon as they are told."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        _, told = service.ask(f"/v1/jobs/{job}")
        status = told["status"]
        if status["topic"]:
            return status["topic"], status["partitions"]
        if status["state"] not in ("queued", "running"):
            raise SystemExit(f"the job ended early: {status}")
        time.sleep(ASK_SECONDS)
    raise SystemExit(f"no topic after {PATIENCE_SECONDS} s")


def first_alert(service: Service, consumer: Consumer, content: str, began: float) -> dict[str, float]:
    """Submits a job and waits for its first alert: the seconds from `began` to each step."""
    code, told = service.ask("/v1/jobs", {"nights": ["2020-01-01"], "content": content})
    if code not in (200, 201, 202):
        raise SystemExit(f"not taken: {code} {told}")
    submitted = time.monotonic() - began
    topic, partitions = topic_of(service, told["id"])
    named = time.monotonic() - began
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        message = consumer.poll(0.1)
        if message is not None and not message.error():
            arrived = time.monotonic() - began
            stamped = message.timestamp()[1] / 1e3 - (time.time() - arrived)
            consumer.unassign()
            return {"job": told["id"], "submitted": submitted, "named": named, "stamped": stamped, "arrived": arrived}
    raise SystemExit(f"no alert after {PATIENCE_SECONDS} s: {service.ask('/v1/jobs/' + told['id'])}")


def bootstrap_of(service: Service) -> str:
    """Where topics can be polled."""
    said = service.log.read_text(encoding="utf-8").splitlines()
    return next(line.split()[1] for line in said if line.startswith("broker "))


def consumer_of(service: Service) -> Consumer:
    """A consumer that is assigned by hand, as the field's is."""
    return Consumer(
        {"bootstrap.servers": bootstrap_of(service), "group.id": "first-alert", "enable.auto.commit": False}
    )


def await_end(service: Service, job: str) -> None:
    """Waits until the job is done, so that the next has the stack for itself."""
    while service.ask(f"/v1/jobs/{job}")[1]["status"]["state"] in ("queued", "running"):
        time.sleep(0.05)


def cold(options: argparse.Namespace, archive: Path, folder: Path, content: str) -> list[dict]:
    """Each time a new stack with nothing kept."""
    found = []
    for number in range(options.times):
        own = folder / f"cold-{number}"
        own.mkdir()
        began = time.monotonic()
        with running(options.binaries / "nightferry", archive, own) as service:
            ready = time.monotonic() - began
            consumer = consumer_of(service)
            found.append({"ready": ready} | first_alert(service, consumer, content, began))
            consumer.close()
        shutil.rmtree(own)
    return found


def warm(options: argparse.Namespace, archive: Path, folder: Path, content: str) -> list[dict]:
    """One stack, a first job that does not count, then the others one after the other."""
    own, found = folder / "warm", []
    own.mkdir()
    with running(options.binaries / "nightferry", archive, own) as service:
        consumer = consumer_of(service)
        for number in range(options.times + 1):
            told = first_alert(service, consumer, content, time.monotonic())
            await_end(service, told["job"])
            found += [told] if number else []
        consumer.close()
    shutil.rmtree(own)
    return found


def middle(found: list[dict], step: str) -> float:
    """The median of the seconds to a step."""
    return statistics.median(run[step] for run in found)


def report(told: dict, folder: Path) -> None:
    """Writes `first-alert.md` and `first-alert.json`."""
    head = ["stack", "content", "submitted", "topic told", "first alert sent", "polled, median", "latest", "wanted within"]
    rows = []
    for state, contents in told.items():
        for content, found in contents.items():
            steps = [f"{middle(found, step):.2f} s" for step in ("submitted", "named", "stamped", "arrived")]
            latest = f"{max(run['arrived'] for run in found):.2f} s"
            rows.append([state, content, *steps, latest, f"{TARGETS[state]:.0f} s"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "first-alert.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    (folder / "first-alert.md").write_text(lines(head, rows), encoding="utf-8")
    print(lines(head, rows))


def main() -> None:
    """Measures and writes."""
    options = arguments()
    told: dict[str, dict] = {"cold": {}, "warm": {}}
    with tempfile.TemporaryDirectory(prefix="nightferry-first-") as temporary:
        folder = Path(temporary)
        for content in CONTENTS:
            cutouts = content == "Full packet"
            alerts = options.alerts // 10 if cutouts else options.alerts
            archive = folder / content.split()[0]
            linked(simulated(options.binaries / "nightferry", folder, alerts, cutouts), archive, 1)
            for state, measure in (("cold", cold), ("warm", warm)):
                told[state][content] = measure(options, archive, folder, content)
                arrived = [run["arrived"] for run in told[state][content]]
                say(f"{state}, {content}: " + ", ".join(f"{seconds:.2f} s" for seconds in arrived))
    report(told, options.output)
    late = [
        f"{state}, {content}"
        for state, contents in told.items()
        for content, found in contents.items()
        if middle(found, "arrived") > TARGETS[state]
    ]
    if late:
        raise SystemExit(f"too late: {'; '.join(late)}")


if __name__ == "__main__":
    main()
