"""Downloads a topic with an unmodified fink-client, and prints one JSON object about what reached the disk.

The client's exit code says little (0 on most failures) and the client can loop for ever, so it runs under a
deadline and the rows are counted from the files.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from read_dataset import summarize

SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "KILL": signal.SIGKILL}
ERROR = re.compile(r"^[\w.]*(Error|Exception|Invalid|NotImplemented)\b|ERROR|CRITICAL|Warning: Consumer group|^%[0-3]\|")


def commands(args, group):
    """The register and the transfer command of the chosen client."""
    bin_folder = Path(args.venvs).resolve() / f"fink-{args.client}" / "bin"
    if not bin_folder.is_dir():
        raise SystemExit(f"no client {args.client} in {args.venvs}: run install.sh {args.venvs}")
    if args.client == "12":
        register = [bin_folder / "finkctl", "auth", "register", "-groupid", group]
        transfer = [bin_folder / "finkctl", "transfer"]
    else:
        register = [bin_folder / "fink_client_register", "-group_id", group]
        transfer = [bin_folder / "fink_datatransfer"]
    register += ["-survey", "ztf", "-username", "test", "-servers", args.bootstrap]
    transfer += ["-survey", "ztf", "-topic", args.topic, "-outdir", Path(args.outdir).resolve()]
    for name in ("partitionby", "maxtimeout", "limit", "nconsumers", "batchsize"):
        value = getattr(args, name)
        if value is not None:
            transfer += [f"-{name}", str(value)]
    if args.restart_from_beginning:
        transfer.append("--restart_from_beginning")
    return register, transfer


def rows_on_disk(outdir):
    """Rows in the finished files: a file without its footer is still being written."""
    rows = 0
    for path in Path(outdir).rglob("*.parquet"):
        try:
            rows += pq.read_metadata(path).num_rows
        except (OSError, pa.ArrowInvalid):
            continue
    return rows


def signal_group(pid, number):
    """Signals the client and its workers, as Ctrl-C in a terminal does."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def transfer_to_end(command, args, environment, log):
    """Runs the transfer until it ends, is interrupted as asked, or passes the deadline."""
    start = time.monotonic()
    client = subprocess.Popen(
        command, cwd=args.home, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    interrupted_at, timed_out = None, False
    try:
        while client.poll() is None:
            elapsed = time.monotonic() - start
            if elapsed > args.deadline:
                timed_out = True
                # With faulthandler on, the log then tells where each process hung
                signal_group(client.pid, signal.SIGABRT)
                client.wait()
            elif interrupted_at is None and due(args, elapsed):
                interrupted_at = elapsed
                signal_group(client.pid, SIGNALS[args.signal])
            else:
                time.sleep(0.02)
        seconds = time.monotonic() - start
    finally:
        signal_group(client.pid, signal.SIGKILL)
        client.wait()
    return {
        "exit_code": client.returncode,
        "seconds": round(seconds, 2),
        "timed_out": timed_out,
        "interrupted_after_seconds": interrupted_at and round(interrupted_at, 2),
    }


def due(args, elapsed):
    """Whether the interruption that was asked for is due."""
    if args.kill_after_seconds is not None:
        return elapsed >= args.kill_after_seconds
    return args.kill_after_rows is not None and rows_on_disk(args.outdir) >= args.kill_after_rows


def errors_in(text):
    """The distinct lines that tell of an error, in order; librdkafka's without their time and thread."""
    lines = (re.sub(r"^(%\d)\|[\d.]+\|(\w+)\|.*?\]: ", r"\1|\2| ", line.strip()) for line in re.split(r"[\r\n]+", text))
    return list(dict.fromkeys(line for line in lines if ERROR.search(line)))


def main():
    """Registers, transfers, counts and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", required=True, choices=["12", "11"], help="12: finkctl 12.3.0, 11: fink_datatransfer 11.0")
    parser.add_argument("--venvs", required=True, help="folder given to install.sh")
    parser.add_argument("--bootstrap", required=True, help="broker, HOST:PORT")
    parser.add_argument("--topic", required=True, help="ftransfer_… or fxmatch_…")
    parser.add_argument("--outdir", required=True, help="where the client writes its files")
    parser.add_argument("--home", required=True, help="private HOME of the client: credentials and log live there")
    parser.add_argument("--group", help="group id (default: made from --home, so the same home resumes)")
    parser.add_argument("--partitionby", choices=["time", "finkclass", "tnsclass"], help="folders (default: none)")
    parser.add_argument("--restart-from-beginning", action="store_true", help="ignore what the group has read")
    parser.add_argument("--maxtimeout", type=float, help="idle wait in seconds (default: the client's 10)")
    parser.add_argument("--limit", type=int, help="the client's -limit")
    parser.add_argument("--nconsumers", type=int, help="worker processes (default: one a CPU)")
    parser.add_argument("--batchsize", type=int, help="alerts a file (default: 100 in 12, 1000 in 11)")
    parser.add_argument("--deadline", type=float, default=120, help="seconds before the client is killed (default 120)")
    interruption = parser.add_mutually_exclusive_group()
    interruption.add_argument("--kill-after-rows", type=int, help="signal the client once this many rows are on disk")
    interruption.add_argument("--kill-after-seconds", type=float, help="signal the client after this time")
    parser.add_argument("--signal", choices=SIGNALS, default="KILL", help="how to interrupt (default KILL)")
    args = parser.parse_args()

    # A caller in the background may have SIGINT ignored; the client would inherit that and never see Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    home = Path(args.home).resolve()
    home.mkdir(parents=True, exist_ok=True)
    args.home = home
    environment = os.environ | {"HOME": str(home), "PYTHONFAULTHANDLER": "1"}
    group = args.group or "test-" + hashlib.sha256(str(home).encode()).hexdigest()[:12]
    register, transfer = commands(args, group)

    # finkctl asks before it overwrites credentials
    registered = subprocess.run(register, cwd=home, env=environment, input="y\n", capture_output=True, text=True, timeout=60)
    if registered.returncode:
        raise SystemExit(f"register failed: {registered.stdout}{registered.stderr}")

    log_path = home / f"transfer-{args.client}.log"
    with open(log_path, "w", encoding="utf-8") as log:
        outcome = transfer_to_end(transfer, args, environment, log)
    report = {"client": args.client, "topic": args.topic, "group": group, "log": str(log_path)} | outcome
    report["errors"] = errors_in(log_path.read_text(encoding="utf-8", errors="replace"))
    print(json.dumps(report | summarize(args.outdir)))


if __name__ == "__main__":
    main()
