"""One execution environment of a function, as LocalStack sees it."""

import shutil
import tempfile
import time
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import ShutdownDuringStartup
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from localstack_native import report
from localstack_native.invocation import Invocation
from localstack_native.runtime import Runtime

_PRIVATE = ("LOCALSTACK_", "EDGE_PORT", "_AWS_XRAY_")
"""Variables that LocalStack means for the init program in its containers."""


class NativeExecutor(RuntimeExecutor):  # type: ignore[misc]
    """Runs the function's `bootstrap` as a child process and keeps it for the next invocation.

    One that crashed or ran out of time is started anew, in the same environment, at the next invocation, as on AWS.
    A failed start is told to whoever invokes, and what was printed is in the log.
    """

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        """Nothing runs yet."""
        super().__init__(id, function_version)
        self._scratch = tempfile.mkdtemp(prefix="lambda-")
        self._variables: dict[str, str] = {}
        self._runtime: Runtime | None = None
        self._is_new = False
        self._is_stopped = False

    def start(self, env_vars: dict[str, object]) -> None:
        """Starts the process. If that fails, the first invocation says so: only those have a log."""
        self._variables = self._own_variables(env_vars)
        self._start_runtime()
        if self._is_stopped:
            raise ShutdownDuringStartup("stopped during startup")

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Passes one event through the function."""
        runtime = self._runtime
        if runtime is None or not (runtime.is_alive or self._is_new):
            runtime = self._start_runtime()
        invocation = Invocation(
            request_id=payload["invoke-id"],
            function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
            event=payload["payload"].encode(),
            timeout=self.function_version.config.timeout,
        )
        outcome = runtime.failure or runtime.invoke(invocation)
        log = report.log(
            request_id=invocation.request_id,
            version=self.function_version.id.qualifier,
            output=runtime.take_output(),
            milliseconds=(time.time() - invocation.started) * 1000,
            init_milliseconds=runtime.init_milliseconds if self._is_new else None,
            limit_mb=self.function_version.config.memory_size,
            peak_mb=runtime.peak_memory_mb(),
        )
        self._is_new = False
        return InvocationResult(invocation.request_id, outcome.payload, is_error=outcome.is_error, logs=log)

    def stop(self) -> None:
        """Ends the process; an invocation under way fails."""
        self._is_stopped = True
        if self._runtime is not None:
            self._runtime.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def get_logs(self) -> str:
        """What the process has printed since the last invocation."""
        return self._runtime.take_output() if self._runtime is not None else ""

    def get_address(self) -> str:
        """Where the environment runs, seen from LocalStack."""
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Where LocalStack runs, seen from the environment."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """Only the init program of LocalStack's containers needs it."""
        return ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpacks the function's package."""
        code = function_version.config.code
        if code is None:
            raise ValueError("only packages of type Zip are run, not images")
        code.prepare_for_execution()
        bootstrap = Path(code.get_unzipped_code_location()) / "bootstrap"
        if not bootstrap.is_file():
            raise FileNotFoundError("the package holds no `bootstrap`; only the runtimes provided.* are run")
        bootstrap.chmod(0o755)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """LocalStack itself removes the unpacked package."""

    def _code(self) -> Path:
        return Path(self.function_version.config.code.get_unzipped_code_location())

    def _own_variables(self, env_vars: dict[str, object]) -> dict[str, str]:
        """The function's variables, AWS's own, and nothing of the server's."""
        chosen = self.function_version.config.environment or {}
        given = {
            name: str(value) for name, value in env_vars.items() if name in chosen or not name.startswith(_PRIVATE)
        }
        usual = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8"}
        scratch = {"HOME": self._scratch, "TMPDIR": self._scratch}
        code = {"LAMBDA_TASK_ROOT": str(self._code()), "LAMBDA_RUNTIME_DIR": str(self._code())}
        return usual | scratch | given | code

    def _start_runtime(self) -> Runtime:
        if self._runtime is not None:
            self._runtime.stop()
        self._runtime = Runtime(self._code(), self._variables, config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT)
        self._is_new = True
        if self._is_stopped:
            self._runtime.stop()
        return self._runtime
