"""One botocore session for the process, and its clients."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["BotoCoreError", "ClientError", "client", "dynamodb", "error_code", "forget"]

# A Lambda answers within seconds: a hung socket must fail well before the function's own time limit does.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=25,
    tcp_keepalive=True,
)


@cache
def _session() -> Any:
    return botocore.session.get_session()


@cache
def client(service: str) -> Any:
    """The process's client of an AWS service. Region, credentials and endpoint come from the environment."""
    return _session().create_client(service, config=_CONFIG)


def dynamodb() -> DynamoDBClient:
    """The process's DynamoDB client."""
    return client("dynamodb")  # type: ignore[no-any-return]


def error_code(error: ClientError) -> str:
    """The service's own word for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))


def forget() -> None:
    """Drop the clients, for tests that move to another endpoint."""
    client.cache_clear()
    _session.cache_clear()
