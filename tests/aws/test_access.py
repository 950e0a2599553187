"""Who may ask the API: who signs, with the command line, and pages of other origins. On a MiniStack of its own that looks at
signatures and roles, without Kafka: nothing here makes a topic.

The command line is `NIGHTFERRY`, or else built.
"""

import json
import os
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from conftest import PACKAGES, ROOT, Stack, answers, fetch, free_port, simulate, wait_for

NIGHT = "2025-10-11"
ALERTS = 60
OURS = "https://portal.example.org"
ORIGINS = f"{OURS},http://localhost:5173"
# What the API has, and what it has not.
PATHS = [
    "/v1/jobs",
    "/v1/jobs/1",
    "/v1/jobs/1/rerun",
    "/v1/jobs/1/retry",
    "/v1/jobs/1/receipt",
    "/v1/estimates",
    "/v1/nights",
    "/v1/classes",
    "/v1/schema",
    "/v1/functions",
    "/v1/health",
    "/v1/service",
    "/v1/topics/ftransfer_ztf_2026-03-23_1",
    "/v1/openapi.json",
    "/v1/none",
]
INVOKE = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}


def program() -> list[str]:
    """The command line."""
    given = os.environ.get("NIGHTFERRY")
    return [given] if given else ["cargo", "run", "--release", "--quiet", "--"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The service for who signs, with a night in its archive."""
    missing = [name for name in ("status", "estimate") if not (PACKAGES / name / "bootstrap.zip").is_file()]
    assert not missing, f"{PACKAGES} lacks packages: run functions/package --quick"
    data, port = tmp_path_factory.mktemp("access"), free_port()
    run = [ROOT / "localstack/ministack/run", "--data", data / "aws", "--port", str(port), "--roles"]
    server = subprocess.Popen(run, stdout=(data / "server.log").open("wb"), stderr=subprocess.STDOUT)
    here = {"AWS_REGION": "eu-west-3", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    nowhere = {"KAFKA_BOOTSTRAP": "127.0.0.1:1", "KAFKA_READERS": "", "KAFKA_SECURITY": ""}
    try:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in (here | nowhere).items():
                environment.setenv(name, value)
            wait_for("MiniStack", lambda: server.poll() is not None or answers(port), 300)
            assert server.poll() is None, (data / "server.log").read_text()
            guarded = Stack("guarded", f"http://127.0.0.1:{port}")
            guarded.up(Access="iam", AllowedOrigins=ORIGINS)
            # It asks for TLS, which nothing here speaks.
            guarded.client("s3").delete_bucket_policy(Bucket=guarded.outputs["JobsBucket"])
            simulate(data / "archive", [NIGHT], ALERTS)
            guarded.deploy("archive", str(data / "archive"))
            yield guarded
    finally:
        server.terminate()
        server.wait(30)


class Caller:
    """Who uses the command line, by the keys of a user of their own."""

    def __init__(self, guarded: Stack, folder: Path, *allowed: dict[str, str]) -> None:
        """Makes the user and the file with a profile of theirs."""
        self.guarded, self.folder = guarded, folder
        iam, name = guarded.client("iam"), f"caller-{uuid.uuid4().hex[:6]}"
        iam.create_user(UserName=name)
        if allowed:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(allowed)})
            iam.put_user_policy(UserName=name, PolicyName="allowed", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.keep(key["AccessKeyId"], key["SecretAccessKey"])

    def keep(self, key: str, secret: str) -> None:
        """Writes the profile."""
        self.key, self.secret = key, secret
        profile = f"[field]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        (self.folder / "credentials").write_text(profile)

    def says(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """What the command line says, with nothing in the environment but a profile's name and what is given."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "NIGHTFERRY_", "KAFKA_"))}
        profile = {"AWS_PROFILE": "field", "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials")}
        api = {"NIGHTFERRY_API": self.guarded.outputs["API_BASE"], "AWS_EC2_METADATA_DISABLED": "true"}
        given = kept | profile | {"AWS_REGION": "eu-west-3"} | api | environment
        return subprocess.run([*program(), *arguments], cwd=ROOT, env=given, capture_output=True, text=True, timeout=300)


@pytest.fixture
def caller(guarded: Stack, tmp_path: Path) -> Caller:
    """Who may."""
    return Caller(guarded, tmp_path, INVOKE)


def test_every_way_of_asking_is_signed(caller: Caller) -> None:
    nights = caller.says("nights", "--nights", f"{NIGHT}..2025-10-13", "--sign", "--json")
    assert nights.returncode == 0, nights.stderr
    assert [(night["night"], night["alerts"]) for night in json.loads(nights.stdout)] == [(NIGHT, ALERTS)]
    # With a body, and a path that is written otherwise in a signature.
    estimate = caller.says("estimate", "--nights", NIGHT, "--class", "!AGN", "--json", NIGHTFERRY_SIGN="iam")
    assert estimate.returncode == 0, estimate.stderr
    assert 0 < json.loads(estimate.stdout)["alerts"] <= ALERTS
    assert caller.says("jobs", "--json", "--sign=iam").stdout.strip() == "[]"
    assert "there are no jobs yet" in caller.says("status", "--watch", "--sign").stderr
    job = str(uuid.uuid4())
    topic = "ftransfer_ztf_2026-03-23_11487"
    for command in (
        ["status", job],
        ["log", job],
        ["receipt", job],
        ["cancel", job],
        ["retry", job],
        ["download", job, "--outdir", str(caller.folder)],
        ["verify", job, "--outdir", str(caller.folder)],
        ["status", "no job/at all"],
    ):
        answer = caller.says(*command, "--sign")
        # The service's own words: the gateway let it through.
        assert answer.returncode == 3 and "403" not in answer.stderr, answer
    missing = caller.says("verify", topic, "--outdir", str(caller.folder), "--no-topic", "--sign")
    assert "no job known" in missing.stderr and "as no API answers" not in missing.stderr, missing.stderr


def test_credentials_may_be_those_of_a_role_that_is_assumed(guarded: Stack, caller: Caller) -> None:
    owner = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trusts = json.dumps({"Version": "2012-10-17", "Statement": [owner]})
    iam = guarded.client("iam")
    role = iam.create_role(RoleName="astronomers", AssumeRolePolicyDocument=trusts)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [INVOKE]})
    iam.put_role_policy(RoleName="astronomers", PolicyName="ask", PolicyDocument=policy)
    given = guarded.client("sts").assume_role(RoleArn=role, RoleSessionName="today")["Credentials"]
    names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey", "AWS_SESSION_TOKEN": "SessionToken"}
    # Without the profile, so that it can be no others.
    keys = {name: given[key] for name, key in names.items()} | {"AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    answer = caller.says("jobs", "--json", "--sign", **keys)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_who_is_not_let_in_is_told_what_to_do(guarded: Stack, caller: Caller, tmp_path: Path) -> None:
    unsigned = caller.says("jobs")
    assert unsigned.returncode == 1
    for part in ("asks who calls (403", "Missing Authentication Token", "--sign", "NIGHTFERRY_SIGN=iam", "NIGHTFERRY_TOKEN"):
        assert part in unsigned.stderr, unsigned.stderr
    bearer = caller.says("jobs", NIGHTFERRY_TOKEN="eyJ.e30.")
    assert bearer.returncode == 1 and "does not take the token" in bearer.stderr and "--sign" in bearer.stderr
    stranger = Caller(guarded, tmp_path).says("jobs", "--sign")
    assert stranger.returncode == 1 and "execute-api:Invoke" in stranger.stderr, stranger.stderr
    # The same key with another secret: the gateway's own words are told.
    caller.keep(caller.key, caller.secret[::-1])
    wrong = caller.says("jobs", "--sign")
    assert wrong.returncode == 1 and "does not let these AWS credentials in (403" in wrong.stderr, wrong.stderr
    nobody = caller.says("jobs", "--sign", AWS_PROFILE="none")
    assert nobody.returncode == 1 and "cannot be signed" in nobody.stderr, nobody.stderr


@pytest.fixture(scope="module")
def one_process(guarded: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stack of one process with the same origins; its address."""
    data, http, kafka = tmp_path_factory.mktemp("up"), free_port(), free_port()
    simulate(data / "archive", [NIGHT], 10)
    places = ["--archive", data / "archive", "--data", data / "data", "--http", f"127.0.0.1:{http}"]
    command = [*program(), "up", *places, "--kafka", f"127.0.0.1:{kafka}", "--allowed-origins", ORIGINS]
    environment = {key: value for key, value in os.environ.items() if key != "KAFKA_BOOTSTRAP"}
    stack = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for("the stack", lambda: stack.poll() is not None or answers(http), 300)
        yield f"http://127.0.0.1:{http}"
    finally:
        stack.terminate()
        stack.wait(30)


def preflight(base: str, path: str, origin: str) -> tuple[int, dict[str, str]]:
    """What a browser is told that asks whether a page may ask: the status, and what it goes by."""
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    status, headers, _ = fetch(urllib.request.Request(base + path, headers=asks, method="OPTIONS"))
    return status, told(headers)


def told(headers: Message) -> dict[str, str]:
    """What a browser goes by."""
    return {name.lower(): text for name, text in headers.items() if name.lower().startswith("access-control-")}


@pytest.mark.parametrize("path", PATHS)
def test_what_a_browser_asks_beforehand_is_answered_as_in_one_process(guarded: Stack, one_process: str, path: str) -> None:
    for origin in (*ORIGINS.split(","), "https://else.example.org"):
        status, headers = preflight(guarded.outputs["API_BASE"], path, origin)
        assert (status, headers) == preflight(one_process, path, origin), origin
        allowed = headers.get("access-control-allow-origin")
        assert status == 200 and allowed == (origin if origin in ORIGINS.split(",") else None)
        assert {"GET", "POST", "DELETE"} <= set(headers["access-control-allow-methods"].split(","))
        assert {"authorization", "content-type"} <= set(headers["access-control-allow-headers"].split(","))


def test_a_page_of_an_allowed_origin_may_read_answers_but_needs_to_sign_as_well(guarded: Stack, one_process: str) -> None:
    answer = urllib.request.Request(one_process + "/v1/jobs", headers={"Origin": OURS})
    assert told(fetch(answer)[1])["access-control-allow-origin"] == OURS
    refused = urllib.request.Request(guarded.outputs["API_BASE"] + "/v1/jobs", headers={"Origin": OURS})
    assert fetch(refused)[0] == 403


def test_unless_origins_are_named_none_is_allowed(guarded: Stack) -> None:
    guarded.up(Access="iam", AllowedOrigins="")
    try:
        status, headers = preflight(guarded.outputs["API_BASE"], "/v1/jobs", OURS)
        assert status == 200 and "access-control-allow-origin" not in headers
        guarded.up(Access="iam", AllowedOrigins="*")
        assert preflight(guarded.outputs["API_BASE"], "/v1/jobs", OURS)[1]["access-control-allow-origin"] == "*"
    finally:
        guarded.up(Access="iam", AllowedOrigins=ORIGINS)
