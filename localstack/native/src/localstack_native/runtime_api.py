"""The Lambda Runtime API (2018-06-01) of one execution environment, on 127.0.0.1."""

import queue
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from localstack_native.invocation import MAX_RESPONSE_BYTES, Invocation, Outcome

_PREFIX = "/2018-06-01/runtime/"


class RuntimeApi:
    """Hands invocations to the process one by one and takes its answers."""

    def __init__(self, on_ready: Callable[[], None], on_init_error: Callable[[bytes], None]) -> None:
        """Listens at once. `on_ready` is called whenever the process asks for an invocation."""
        self._on_ready = on_ready
        self._on_init_error = on_init_error
        self._next: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._current: Invocation | None = None
        self._server = _server(self)
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True, name="lambda-runtime-api"
        ).start()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def hand_over(self, invocation: Invocation) -> None:
        """Gives the invocation to the process when it asks next."""
        self._current = invocation
        self._next.put(invocation)

    def close(self) -> None:
        """Ends the server, and the wait of a process for an invocation."""
        self._next.put(None)
        self._server.shutdown()
        self._server.server_close()

    def next_invocation(self) -> Invocation | None:
        """The next one that still matters, waiting for it; None at the end."""
        self._on_ready()
        while True:
            invocation = self._next.get()
            if invocation is None or not invocation.is_settled:
                return invocation

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Takes what the process posts to `path`, and returns a status and a body."""
        if path == "init/error":
            self._on_init_error(body)
            return 202, b'{"status":"OK"}'
        match path.split("/"):
            case ["invocation", request_id, "response" | "error" as what]:
                current = self._current
                if current is None or current.request_id != request_id:
                    return 400, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}'
                if len(body) > MAX_RESPONSE_BYTES:
                    message = (
                        f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
                    )
                    current.settle(Outcome.failed("Function.ResponseSizeTooLarge", message))
                    return 413, b'{"errorType":"RequestEntityTooLarge","errorMessage":"Exceeded maximum payload size"}'
                current.settle(Outcome(body, is_error=what == "error"))
                return 202, b'{"status":"OK"}'
        return 404, b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """A process that ends in the middle of a request is no error of ours."""


def _server(api: RuntimeApi) -> _Server:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != f"{_PREFIX}invocation/next":
                return self._send(404)
            invocation = api.next_invocation()
            if invocation is None:
                self.close_connection = True
                return None
            headers = {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": invocation.trace_id,
            }
            return self._send(200, invocation.event, headers)

        def do_POST(self) -> None:
            body = self._body()
            if not self.path.startswith(_PREFIX):
                return self._send(404)
            return self._send(*api.answer(self.path.removeprefix(_PREFIX), body))

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = bytearray()
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():  # trailers
                pass
            return bytes(body)

        def _send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Nothing: the function's own log is what counts."""

    return _Server(("127.0.0.1", 0), Handler)
