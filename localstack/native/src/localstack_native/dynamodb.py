"""DynamoDB from moto, which LocalStack brings along, in place of the jar that it would download.

LocalStack calls moto from many threads, and moto does not expect that: of two conditional writes at once both passed,
and a transaction could fail over a change during its own. Here one call is made at a time, so that each is atomic.

Known gap: moto does not treat a transaction's client token as idempotent.
"""

import threading
from typing import Any

from localstack.aws.api.dynamodb import DynamodbApi
from localstack.aws.api.dynamodbstreams import DynamodbstreamsApi
from localstack.aws.forwarder import ForwardingFallbackDispatcher
from localstack.services.moto import call_moto
from localstack.services.plugins import Service, ServiceLifecycleHook, aws_provider

_one_at_a_time = threading.Lock()


def _call_moto(context: Any, _request: Any) -> Any:
    with _one_at_a_time:
        return call_moto(context)


def _dispatch(provider: object) -> Any:
    return ForwardingFallbackDispatcher(provider, _call_moto)


class _Dynamodb(DynamodbApi, ServiceLifecycleHook):  # type: ignore[misc]
    """Every operation falls through to moto."""


class _DynamodbStreams(DynamodbstreamsApi, ServiceLifecycleHook):  # type: ignore[misc]
    """Every operation falls through to moto."""


@aws_provider(api="dynamodb", name="moto")  # type: ignore[untyped-decorator]
def dynamodb() -> Service:
    """`PROVIDER_OVERRIDE_DYNAMODB=moto`."""
    return Service.for_provider(_Dynamodb(), dispatch_table_factory=_dispatch)


@aws_provider(api="dynamodbstreams", name="moto")  # type: ignore[untyped-decorator]
def dynamodb_streams() -> Service:
    """`PROVIDER_OVERRIDE_DYNAMODBSTREAMS=moto`."""
    return Service.for_provider(_DynamodbStreams(), dispatch_table_factory=_dispatch)
