"""What LocalStack looks up by name."""

from typing import TYPE_CHECKING

from plux import Plugin

if TYPE_CHECKING:
    from localstack_native.executor import NativeExecutor


class NativeExecutorPlugin(Plugin):  # type: ignore[misc]
    """`LAMBDA_RUNTIME_EXECUTOR=native`."""

    namespace = "localstack.lambda.runtime_executor"
    name = "native"

    def load(self, *_args: object, **_kwargs: object) -> "type[NativeExecutor]":
        """The executor's class. Imported here, when enough of LocalStack is loaded; no mapping exists before."""
        from localstack_native import queue_mapping
        from localstack_native.executor import NativeExecutor

        queue_mapping.use()
        return NativeExecutor
