"""Checks `run` from outside with librdkafka. Needs confluent-kafka; starts brokers of its own.

Prints how long each start took, until a client got an answer.
"""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

RUN = pathlib.Path(__file__).with_name("run")
LARGE = 9_000_000
Settings = dict[str, str | int]


def free_port() -> int:
    """The first of three ports that nothing listens on, outside the range that the system hands out by itself."""
    for port in range(29092, 29992, 4):
        with contextlib.ExitStack() as closing, contextlib.suppress(OSError):
            for candidate in range(port, port + 3):
                closing.enter_context(socket.socket()).bind(("127.0.0.1", candidate))
            return port
    raise SystemExit("no free port between 29092 and 29992")


def start(data: str, port: int, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """A broker over `data`, once it answers; says how long that took."""
    began = time.monotonic()
    broker = subprocess.Popen([RUN, "--data", data, "--port", str(port), *arguments], env={**os.environ, **environment})
    while True:
        assert broker.poll() is None, f"the broker ended with {broker.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.1):
            break
        time.sleep(0.02)
    AdminClient(plaintext(port)).list_topics(timeout=10)
    print(f"  {time.monotonic() - began:.1f} s: {' '.join(['run', *arguments])}, {data}")
    executable = pathlib.Path(f"/proc/{broker.pid}/exe")
    assert not executable.exists() or executable.resolve().name == "java", "the process is not the broker"
    return broker


@contextlib.contextmanager
def running(data: str, port: int, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A broker that is killed at the end."""
    broker = start(data, port, *arguments, **environment)
    try:
        yield broker
    finally:
        broker.kill()
        broker.wait()


def plaintext(port: int) -> Settings:
    """How a reader connects."""
    return {"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0}


def scram(port: int, name: str, password: str) -> Settings:
    """How a user connects."""
    return plaintext(port) | {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": name,
        "sasl.password": password,
    }


def token(port: int, name: str) -> Settings:
    """How a user connects with an unsigned token, which librdkafka makes by itself."""
    return plaintext(port) | {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "enable.sasl.oauthbearer.unsecure.jwt": "true",
        "sasl.oauthbearer.config": f"principal={name}",
    }


def make_topic(settings: Settings, topic: str) -> None:
    """Makes a topic as the service does."""
    config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(10 * 1024 * 1024)}
    new = NewTopic(topic, num_partitions=2, replication_factor=1, config=config)
    admin = AdminClient(settings)
    admin.create_topics([new])[topic].result(timeout=10)


def produce(settings: Settings, topic: str, values: list[bytes], idempotent: bool = True) -> None:
    """Sends to partition 0, or raises the first refusal."""
    refusals = []
    limits = {
        "enable.idempotence": str(idempotent).lower(),
        "message.max.bytes": 10 * 1024 * 1024,
        "message.timeout.ms": 10_000,
    }
    producer = Producer(settings | limits)
    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=lambda error, _: error and refusals.append(error))
    assert producer.flush(15) == 0, "not delivered"
    if refusals:
        raise KafkaException(refusals[0])


def consume(settings: Settings, topic: str, count: int, group: str = "reader") -> list[bytes]:
    """Reads `count` messages by subscription from the start, and commits."""
    consumer = Consumer(settings | {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": "false"})
    consumer.subscribe([topic])
    values = []
    deadline = time.monotonic() + 20
    while len(values) < count:
        assert time.monotonic() < deadline, f"{len(values)} of {count} messages arrived"
        message = consumer.poll(0.5)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            values.append(message.value())
    consumer.commit(asynchronous=False)
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0)) == (0, count)
    consumer.close()
    return values


def refused(what: str, call: object, *arguments: object) -> None:
    """The call fails for want of rights."""
    assert callable(call)
    try:
        call(*arguments)
    except KafkaException as error:
        reason = str(error.args[0])
        assert "AUTH" in reason.upper(), reason
    else:
        raise AssertionError(f"{what} was not refused")


def keeps_everything_over_a_kill() -> None:
    """Ready at once, large messages, topics by name only, and nothing lost by kill -9."""
    values = [b"a", b"b", os.urandom(LARGE)]
    with tempfile.TemporaryDirectory() as data:
        port = free_port()
        with running(data, port) as broker:
            make_topic(plaintext(port), "ftransfer_ztf")
            produce(plaintext(port), "ftransfer_ztf", values)
            assert consume(plaintext(port), "ftransfer_ztf", 3) == values
            assert AdminClient(plaintext(port)).list_topics("other", timeout=10).topics["other"].error is not None
            broker.send_signal(signal.SIGKILL)
            broker.wait()
        with running(data, port) as broker:
            assert consume(plaintext(port), "ftransfer_ztf", 3, "another") == values
            produce(plaintext(port), "ftransfer_ztf", [b"d"])
            began = time.monotonic()
            broker.terminate()
            broker.wait()
            print(f"  {time.monotonic() - began:.1f} s: to end in order")
        with running(data, port):
            assert consume(plaintext(port), "ftransfer_ztf", 4, "third") == [*values, b"d"]


def lets_users_write_and_everyone_read() -> None:
    """SCRAM or tokens for producers, plaintext for readers, no more for either."""
    users = "ferry:s3cret+/=\nother:0ther"
    with tempfile.TemporaryDirectory() as data:
        port = free_port()
        ferry = scram(port + 1, "ferry", "s3cret+/=")
        with running(data, port, "--scram", KAFKA_USERS=users) as broker:
            command = pathlib.Path(f"/proc/{broker.pid}/cmdline")
            environment = pathlib.Path(f"/proc/{broker.pid}/environ")
            assert not command.exists() or b"s3cret" not in command.read_bytes() + environment.read_bytes()
            make_topic(ferry, "ftransfer_ztf")
            produce(ferry, "ftransfer_ztf", [b"a", b"b"])
            assert consume(plaintext(port), "ftransfer_ztf", 2) == [b"a", b"b"]
            assert consume(ferry, "ftransfer_ztf", 2, "tail") == [b"a", b"b"]
            refused("a reader that writes", produce, plaintext(port), "ftransfer_ztf", [b"c"], False)
            refused("a reader that makes topics", make_topic, plaintext(port), "readers_own")
            admin, anyone = AdminClient(ferry), AdminClient(plaintext(port))
            make_topic(ferry, "others")
            refused("a user that deletes", admin.delete_topics(["others"])["others"].result, 10)
            make_topic(ferry, "ftransfer_old")
            refused("a reader that deletes", anyone.delete_topics(["ftransfer_old"])["ftransfer_old"].result, 10)
            admin.delete_topics(["ftransfer_old"])["ftransfer_old"].result(10)
        with running(data, port, "--scram", "--tokens", str(port + 2), KAFKA_USERS=users):
            produce(token(port + 2, "ferry"), "ftransfer_ztf", [b"c"])
            refused("a stranger that writes", produce, token(port + 2, "stranger"), "ftransfer_ztf", [b"d"], False)
            assert consume(plaintext(port), "ftransfer_ztf", 3, "another") == [b"a", b"b", b"c"]
            wrong = Producer(scram(port + 1, "ferry", "wrong") | {"message.timeout.ms": 2000})
            wrong.produce("ftransfer_ztf", b"d")
            wrong.flush(5)
            assert consume(plaintext(port), "ftransfer_ztf", 3, "third") == [b"a", b"b", b"c"]
        other = subprocess.run(
            [RUN, "--data", data, "--port", str(port), "--scram"],
            env={**os.environ, "KAFKA_USERS": "else:x"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert other.returncode == 2 and "other users" in other.stderr, other


def main() -> None:
    """Runs each check."""
    subprocess.run([RUN.with_name("install")], check=True, stdout=subprocess.DEVNULL)
    for check in (keeps_everything_over_a_kill, lets_users_write_and_everyone_read):
        print(check.__name__.replace("_", " "))
        check()


if __name__ == "__main__":
    main()
