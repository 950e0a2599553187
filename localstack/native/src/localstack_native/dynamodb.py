"""DynamoDB from moto, which LocalStack brings along, in place of the jar that it would download.

Known gap: moto does not treat a transaction's client token as idempotent.
"""

from localstack.aws.api.dynamodb import DynamodbApi
from localstack.aws.api.dynamodbstreams import DynamodbstreamsApi
from localstack.services.moto import MotoFallbackDispatcher
from localstack.services.plugins import Service, ServiceLifecycleHook, aws_provider


class _Dynamodb(DynamodbApi, ServiceLifecycleHook):  # type: ignore[misc]
    """Every operation falls through to moto."""


class _DynamodbStreams(DynamodbstreamsApi, ServiceLifecycleHook):  # type: ignore[misc]
    """Every operation falls through to moto."""


@aws_provider(api="dynamodb", name="moto")  # type: ignore[untyped-decorator]
def dynamodb() -> Service:
    """`PROVIDER_OVERRIDE_DYNAMODB=moto`."""
    return Service.for_provider(_Dynamodb(), dispatch_table_factory=MotoFallbackDispatcher)


@aws_provider(api="dynamodbstreams", name="moto")  # type: ignore[untyped-decorator]
def dynamodb_streams() -> Service:
    """`PROVIDER_OVERRIDE_DYNAMODBSTREAMS=moto`."""
    return Service.for_provider(_DynamodbStreams(), dispatch_table_factory=MotoFallbackDispatcher)
