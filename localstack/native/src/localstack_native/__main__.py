"""Runs LocalStack with these plugins: `python -m localstack_native --data DIR --port PORT`."""

import argparse
import asyncio
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Serves until SIGTERM or SIGINT, then ends with all that it started."""
    parser = argparse.ArgumentParser(prog="run", description="AWS on 127.0.0.1, functions as child processes.")
    parser.add_argument("--data", type=Path, required=True, help="folder for scratch; nothing is kept")
    parser.add_argument("--port", type=int, default=4566, help="answers on http://127.0.0.1:PORT (default: 4566)")
    arguments = parser.parse_args()
    _settings(arguments.data.absolute(), arguments.port)

    # LocalStack reads its settings when it is imported.
    from localstack.runtime.main import main as serve
    from localstack.runtime.server.hypercorn import HypercornRuntimeServer

    HypercornRuntimeServer.shutdown = _shutdown
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
    code: Any = 1
    try:
        serve()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        # Without waiting for threads that poll queues.
        os._exit(code if isinstance(code, int) else 1)


def _settings(data: Path, port: int) -> None:
    scratch = data / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    tempfile.tempdir = str(scratch)
    os.environ.pop("AWS_ENDPOINT_URL", None)
    os.environ.setdefault("LS_LOG", "warning")
    os.environ |= {
        "FILESYSTEM_ROOT": str(data / "root"),
        # LocalStack's own server listens on all addresses whatever it is told.
        "GATEWAY_SERVER": "hypercorn",
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "DNS_ADDRESS": "0",
        # Addresses of queues that need no name server.
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "SQS_ENDPOINT_STRATEGY": "path",
        # A dashboard in a template is passed over.
        "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "1",
        # Nothing is fetched and nobody is told.
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        # An empty queue is asked again after a second at most, a filled one at once.
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.05",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        "LAMBDA_RUNTIME_EXECUTOR": "native",
        "PROVIDER_OVERRIDE_DYNAMODB": "moto",
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "moto",
    }


def _shutdown(server: Any) -> None:
    """In place of LocalStack's own, which does not wake the loop that it stops: it ends only with the next request."""
    loop: asyncio.AbstractEventLoop = server.loop
    loop.call_soon_threadsafe(server._close.set)
    loop.call_soon_threadsafe(loop.stop)


if __name__ == "__main__":
    main()
