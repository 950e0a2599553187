"""SQS mappings that hand over several batches at a time, as on AWS: LocalStack's own waits for each."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localstack.services.lambda_.event_source_mapping import esm_worker_factory
from localstack.services.lambda_.event_source_mapping.esm_worker_factory import EsmWorkerFactory
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller

LOG = logging.getLogger(__name__)

USUAL_CONCURRENCY = 5
"""What AWS begins with where no MaximumConcurrency is set."""


class ConcurrentSqsPoller(SqsPoller):  # type: ignore[misc]
    """Receives while fewer than `MaximumConcurrency` batches are under way; the function works on them side by side."""

    _is_handed_over = False

    def limit(self, concurrency: int) -> None:
        """Sets how many batches may be under way. To be called once, before the first poll."""
        self._free = threading.Semaphore(concurrency)
        self._batches = ThreadPoolExecutor(concurrency, thread_name_prefix="sqs-batch")

    def poll_events(self) -> None:
        """Receives one batch, once there is room for it: its visibility counts from then."""
        if not self._free.acquire(timeout=1):
            return
        self._is_handed_over = False
        try:
            super().poll_events()
        finally:
            if not self._is_handed_over:
                self._free.release()

    def handle_messages(self, messages: list[dict[str, Any]]) -> None:
        """Passes a batch to the function in a thread of its own; those of a FIFO queue in turn."""
        if self.is_fifo_queue or self._is_handed_over:
            super().handle_messages(messages)
            return
        self._batches.submit(self._handle, messages)
        self._is_handed_over = True

    def _handle(self, messages: list[dict[str, Any]]) -> None:
        try:
            super().handle_messages(messages)
        except Exception as error:  # the messages come again
            LOG.warning("A batch from %s failed: %s", self.source_arn, error)
        finally:
            self._free.release()


_localstacks_own = EsmWorkerFactory.get_esm_worker


def _get_esm_worker(factory: EsmWorkerFactory) -> Any:
    worker = _localstacks_own(factory)
    if isinstance(worker.poller, ConcurrentSqsPoller):
        scaling = factory.esm_config.get("ScalingConfig") or {}
        worker.poller.limit(int(scaling.get("MaximumConcurrency") or USUAL_CONCURRENCY))
    return worker


def use() -> None:
    """Makes every mapping from now on such a one."""
    esm_worker_factory.SqsPoller = ConcurrentSqsPoller
    EsmWorkerFactory.get_esm_worker = _get_esm_worker
