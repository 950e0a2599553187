"""Each way to do the work, run once."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import brokers
from .brokers import TOPIC
from .equality import Held, held
from .workloads import PARTITIONS, Workload

HERE = Path(__file__).resolve().parent
CACHE = Path.home() / ".cache/nightferry/bench"
DISK, MOCK = "disk", "mock"
MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
    "MIMALLOC_ARENA_EAGER_COMMIT": "0",
    "MIMALLOC_PURGE_DELAY": "200",
}
"""As infra/template.yaml has it for the worker."""
LATENCY_MS = 30
"""What a request to object storage waits for its first byte, taken long."""
SPARK_TOPICS = [TOPIC, f"{TOPIC}1"]
"""Into the first goes the first job of a session, into the second the next."""


@dataclass
class Place:
    """Where a workload is run."""

    binaries: Path
    archive: Path
    folder: Path
    """For what is left of a run, until the next."""
    source: str
    """A broker that is there as long as the workload is worked on."""
    source_topic: str = ""
    """There: the messages as nightferry sent them."""
    reference: Held = field(default_factory=Held)
    """What that topic holds."""
    schema: dict = field(default_factory=dict)
    """Theirs."""

    def fresh(self, name: str) -> Path:
        """A folder that nobody has used."""
        number = len(list(self.folder.iterdir()))
        made = self.folder / f"{number}-{name}"
        made.mkdir()
        return made

    def share(self, workload: Workload, messages: int) -> float:
        """The share of alerts to compare value by value."""
        return min(workload.sampled / max(messages, 1), 1.0)


@dataclass
class Run:
    """A run, and what its topic held if that was looked at."""

    figures: dict
    held: Held | None = None


def program(command: list, **variables: str) -> dict:
    """Runs a program that prints JSON; one that fails ends the benchmark."""
    environment = os.environ | variables
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def prepare(place: Place, workload: Workload, folder: Path, bootstrap: str) -> dict:
    """A job of nightferry up to where its worker comes in."""
    request = folder / "request.json"
    request.write_text(json.dumps(workload.request), encoding="utf-8")
    command = [place.binaries / "bench-worker", "prepare", "--archive", place.archive, "--folder", folder]
    return program([*command, "--bootstrap", bootstrap, "--request", request])


def work(place: Place, folder: Path, bootstrap: str, job: str, *more: object) -> dict:
    """The worker's part of it."""
    command = [place.binaries / "bench-worker", "run", "--archive", place.archive, "--folder", folder]
    command += ["--bootstrap", bootstrap, "--job", job, *more]
    return program(command, **MEMORY)


def reference(place: Place, workload: Workload) -> None:
    """Ferries the job into the source broker: what all others are compared with. After it the files are in memory."""
    folder = place.fresh("reference")
    job = prepare(place, workload, folder, place.source)
    place.source_topic, place.schema = job["topic"], json.loads(job["schema"])
    figures = work(place, folder, place.source, job["job"])
    share = place.share(workload, figures["sent"])
    place.reference = held(place.source, place.source_topic, place.schema, share)
    if place.reference.messages != figures["sent"]:
        raise SystemExit(f"{place.reference.messages} messages are there of {figures['sent']}")


def look(place: Place, workload: Workload, bootstrap: str, topic: str, wanted: bool) -> Held | None:
    """What a topic holds, if that is wanted."""
    share = place.share(workload, place.reference.messages)
    return held(bootstrap, topic, place.schema, share) if wanted else None


def ours(place: Place, workload: Workload, target: str, _: bool, *more: object) -> Run:
    """nightferry's worker. Its messages are what the others are compared with."""
    folder = place.fresh("ours")
    if target == MOCK:
        job = prepare(place, workload, folder, place.source)
        with brokers.mock(place.binaries, job["topic"]) as bootstrap:
            return Run(work(place, folder, bootstrap, job["job"], *more))
    with brokers.embedded(place.binaries, folder / "kafka") as bootstrap:
        job = prepare(place, workload, folder, bootstrap)
        return Run(work(place, folder, bootstrap, job["job"], *more))


def throttled(place: Place, workload: Workload, target: str, wanted: bool) -> Run:
    """nightferry's worker over an archive whose every request waits first, as on object storage."""
    return ours(place, workload, target, wanted, "--latency-ms", LATENCY_MS)


def at(place: Place, target: str, name: str):
    """A broker with the topic `TOPIC`."""
    if target == MOCK:
        return brokers.mock(place.binaries, TOPIC)
    return brokers.embedded(place.binaries, place.fresh(name) / "kafka")


def duckdb(place: Place, workload: Workload, target: str, wanted: bool) -> Run:
    """DuckDB, fastavro and confluent-kafka."""
    with at(place, target, "duckdb") as bootstrap:
        if target == DISK:
            brokers.make_topic(bootstrap)
        given = {"workload": asdict(workload), "archive": str(place.archive), "bootstrap": bootstrap}
        command = [sys.executable, "-B", "-m", "comparison.duckdb_peer", json.dumps(given | {"schema": place.schema})]
        figures = program(command)
        return Run(figures, look(place, workload, bootstrap, TOPIC, wanted and target == DISK))


def ready_made(place: Place, workload: Workload, target: str, _: bool) -> Run:
    """nightferry's publisher alone, with messages that are there already."""
    with at(place, target, "ready-made") as bootstrap:
        if target == DISK:
            brokers.make_topic(bootstrap)
        command = [place.binaries / "bench-worker", "ready-made", "--bootstrap", bootstrap, "--topic", TOPIC]
        command += ["--like-bootstrap", place.source, "--like-topic", place.source_topic]
        command += ["--partitions", PARTITIONS, "--messages", place.reference.messages]
        figures = program([*command, *(["--uncompressed"] if workload.compression == "none" else [])])
        return Run(figures)


def spark(place: Place, workload: Workload, wanted: bool) -> list[Run]:
    """Spark on one thread: the first job of a session and the next. Its broker is the one that keeps all."""
    with at(place, DISK, "spark") as bootstrap:
        for topic in SPARK_TOPICS:
            brokers.make_topic(bootstrap, topic)
        given = {"workload": asdict(workload), "archive": str(place.archive), "bootstrap": bootstrap}
        given |= {"schema": place.schema, "topics": SPARK_TOPICS, "jars": ",".join(map(str, spark_jars()))}
        figures = program([sys.executable, "-B", "-m", "comparison.spark_peer", json.dumps(given)])
        looked = [look(place, workload, bootstrap, topic, wanted) for topic in SPARK_TOPICS]
        sent = {"sent": place.reference.messages, "bytes_sent": place.reference.bytes}
        return [Run(sent | figure, held) for figure, held in zip(figures, looked, strict=True)]


def spark_jars() -> list[Path]:
    """What Spark needs for Avro and Kafka, from Maven; not what it has itself."""
    folder = CACHE / "spark-jars"
    if not folder.is_dir():
        if not shutil.which("mvn"):
            raise SystemExit("mvn is missing: apt install maven; or leave Spark out with --peers")
        made = folder.with_name("spark-jars.unfinished")
        shutil.rmtree(made, ignore_errors=True)
        plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
        command = ["mvn", "--quiet", "--batch-mode", "--file", HERE / "spark-pom.xml", plugin]
        subprocess.run([*command, "-DincludeScope=runtime", f"-DoutputDirectory={made}"], check=True)
        made.rename(folder)
    wanted = ("spark-avro", "spark-sql-kafka", "spark-token-provider-kafka", "kafka-clients", "commons-pool2")
    return sorted(jar for jar in folder.glob("*.jar") if jar.name.startswith(wanted))
