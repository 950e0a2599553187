#!/usr/bin/python3
"""A function in plain Python that does what its event says; the smallest client of the Runtime API."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

RUNTIME = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/"


def post(path: str, value: object) -> None:
    body = json.dumps(value).encode()
    urllib.request.urlopen(urllib.request.Request(RUNTIME + path, body, method="POST")).read()


def handle(event: dict, count: int, headers: dict) -> object:
    if "Records" in event:
        print("records:", json.dumps(event), flush=True)
        if any(r.get("body") == "slow" for r in event["Records"]):
            began = time.time()
            time.sleep(1)
            print("slept:", json.dumps({"pid": os.getpid(), "from": began, "to": time.time()}), flush=True)
        failed = [r["messageId"] for r in event["Records"] if r.get("body") == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}
    match event.get("do"):
        case "print":
            print(event["text"], flush=True)
        case "sleep":
            time.sleep(event["seconds"])
        case "raise":
            raise ValueError(event["text"])
        case "exit":
            sys.stdout.write("last words\n")
            sys.stdout.flush()
            os._exit(event["code"])
        case "signal":
            os.kill(os.getpid(), signal.SIGABRT)
        case "large":
            return "x" * event["bytes"]
        case "echo":
            return event["value"]
        case "child":
            return subprocess.Popen(["sleep", "600"]).pid
        case "exit when idle":
            subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {os.getpid()}"])
    deadline = int(headers["Lambda-Runtime-Deadline-Ms"]) - time.time() * 1000
    return {"pid": os.getpid(), "count": count, "environment": dict(os.environ), "deadline": deadline}


print("hello from the start", flush=True)
match os.environ.get("START"):
    case "error":
        post("init/error", {"errorType": "Bad.Start", "errorMessage": "no archive named"})
        sys.exit(1)
    case "exit":
        sys.exit(7)
count = 0
while True:
    with urllib.request.urlopen(RUNTIME + "invocation/next") as answer:
        event, headers = json.loads(answer.read()), answer.headers
    count += 1
    invocation = f"invocation/{headers['Lambda-Runtime-Aws-Request-Id']}/"
    try:
        result = handle(event, count, headers)
    except ValueError as error:
        post(invocation + "error", {"errorType": "ValueError", "errorMessage": str(error)})
        continue
    try:
        post(invocation + "response", result)
    except OSError as error:
        print("refused:", error, flush=True)
