"""The brokers that are sent to, each in a process of its own: what they take is nobody's figure."""

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka.admin import AdminClient, NewTopic

from .workloads import PARTITIONS

TOPIC = f"ftransfer_ztf_2026-03-22_{PARTITIONS}"
"""The topic of whoever does not name its own."""


def free_port() -> int:
    """An odd port of 127.0.0.1 that nobody listens on."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port % 2:
            return port


@contextlib.contextmanager
def process(command: list, **more) -> Iterator[subprocess.Popen]:
    """A process that tells its address on its first line, ended afterwards."""
    started = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, **more)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextlib.contextmanager
def embedded(binaries: Path, folder: Path) -> Iterator[str]:
    """nightferry's own broker, which keeps topics on disk until this is over: its address."""
    command = [binaries / "embedded-broker", folder, f"127.0.0.1:{free_port()}"]
    try:
        with process(command) as broker:
            address = broker.stdout.readline().strip()
            if not address:
                raise SystemExit("the embedded broker did not start")
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def mock(binaries: Path, topic: str) -> Iterator[str]:
    """librdkafka's mock broker with that topic: it answers, and keeps nothing."""
    command = [binaries / "bench-worker", "mock", "--topic", topic, "--partitions", PARTITIONS]
    with process(command, stdin=subprocess.PIPE) as broker:
        line = broker.stdout.readline()
        if not line:
            raise SystemExit("the mock broker did not start")
        yield json.loads(line)["bootstrap"]


def make_topic(bootstrap: str, name: str = TOPIC) -> None:
    """Makes a topic as nightferry does."""
    settings = {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime", "max.message.bytes": "10485760"}
    topic = NewTopic(name, num_partitions=PARTITIONS, replication_factor=1, config=settings)
    # Kept until it has its answer: it takes the question with it when it goes.
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    for made in admin.create_topics([topic]).values():
        made.result(30)
