"""One botocore session for the process, and its clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from botocore.exceptions import ConnectionError as NotConnectedError

from switchboard import telemetry
from switchboard.kit import clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = [
    "CONNECTION_ERRORS",
    "NOT_REACHED_ERRORS",
    "BotoCoreError",
    "ClientError",
    "clear_clients",
    "dynamodb_client",
    "dynamodb_client_without_retries",
    "error_code",
    "find_credentials_expiry",
    "get_client",
    "is_throttling",
    "watch_calls",
]

# A function answers within seconds: a hung socket must fail well before the function's own timeout.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=25,
    tcp_keepalive=True,
)
#: How many attempts botocore makes per request. Mail is sent once: after a lost response, the provider's notification
#: shows whether the mail was accepted, and a retry could send it twice. For DynamoDB, `table` retries by itself, sooner
#: than botocore would.
_ATTEMPTS = {"ses": 1, "dynamodb": 2, "bedrock-runtime": 1}
_ATTEMPTS_OTHERWISE = 4
#: How long a connection may be idle before a request that is never retried. Servers commonly close an idle connection
#: after 5 s: the time here is shorter, so that such a request never uses a closed connection.
MAX_IDLE_SECONDS = 3.0
#: Settings of single services. Signed links to S3 work in every region only with the newer signature and the region's
#: own host.
_OWN_CONFIG = {
    "s3": Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    # A language model needs more time than a store. The functions that call one have a long enough timeout.
    # A worker asks again later, so the client does not: three silent attempts would outlast the function.
    "bedrock-runtime": Config(read_timeout=45, retries={"mode": "standard", "total_max_attempts": 1}),
}

#: For the rate limiter: a request does not wait for it as long as for other reads and writes.
_ONCE = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})

_SERVER_ERROR = 500
#: Error codes for throttling: of an item, a table or an account by DynamoDB, and of a sender by other services.
_THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

#: Failures without a response: no server was reached, or the connection closed first.
CONNECTION_ERRORS = (HTTPClientError, NotConnectedError)
#: Failures before the request was sent.
NOT_REACHED_ERRORS = (ConnectTimeoutError, EndpointConnectionError)

#: The checks of each request: the local stack refuses those for which a function has no right.
_checks: list[Callable[[str, str, dict[str, Any]], None]] = []
#: botocore's session is not thread-safe. Its clients are.
_making = RLock()


@cache
def _session() -> Any:
    return botocore.session.get_session()


def watch_calls(check: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Calls `check(service, operation, request)` before each request of a client that is made from now on.

    Its error becomes the error of the request.
    """
    _checks.append(check)


def _check_calls(made: Any) -> None:
    def before(params: dict[str, Any], model: Any, **_: Any) -> None:
        for check in _checks:
            check(model.service_model.service_name, model.name, params)

    if _checks:
        made.meta.events.register("before-parameter-build", before)


def get_client(service: str) -> Any:
    """Returns the process's client for an AWS service. Region, credentials and endpoint come from the environment."""
    with _making:
        return _made(service)


@cache
def _made(service: str) -> Any:
    attempts = _ATTEMPTS.get(service, _ATTEMPTS_OTHERWISE)
    config = _CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": attempts}))
    made = _session().create_client(service, config=config.merge(_OWN_CONFIG.get(service, Config())))
    made.meta.events.register("response-received", _count_refusal)
    _check_calls(made)
    if attempts == 1:
        _Idle(made).watch()
    return made


def _count_refusal(event_name: str, parsed_response: dict[str, Any] | None = None, **_: Any) -> None:
    """Counts each response of AWS that throttles or fails, also those that botocore tries again by itself."""
    if not parsed_response or "Error" not in parsed_response:
        return
    codes = {parsed_response["Error"].get("Code")}
    codes |= {reason.get("Code") for reason in parsed_response.get("CancellationReasons") or ()}
    # `response-received.dynamodb.PutItem`
    service = event_name.split(".")[1]
    if codes & _THROTTLES:
        telemetry.emit_metric("AwsThrottled", Service=service)
    elif parsed_response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR:
        telemetry.emit_metric("AwsFailed", Service=service)


class _Idle:
    """Closes a client's connections before a request if they were idle for too long.

    A frozen Lambda environment holds connections that the server closed long ago. A request over such a connection
    fails without a response, and is lost if it is never retried. The time is wall-clock time: the monotonic clock may
    stand still while the environment is frozen, and would show a much shorter idle time.
    """

    def __init__(self, made: Any) -> None:
        self._client = made
        self._used_at = clock.epoch()
        self._busy = 0

    def watch(self) -> None:
        events = self._client.meta.events
        events.register("before-send", self._before)
        events.register("response-received", self._after)

    def _before(self, **_: Any) -> None:
        # `abs`, because a clock that was set back does not show how long the connection was idle.
        if not self._busy and abs(clock.epoch() - self._used_at) > MAX_IDLE_SECONDS:
            self._client.close()
        self._busy += 1

    def _after(self, **_: Any) -> None:
        self._busy = max(0, self._busy - 1)
        self._used_at = clock.epoch()


def find_credentials_expiry() -> datetime | None:
    """Returns when the process's present credentials expire, `None` if they say no time.

    Credentials that expire within minutes are renewed first.
    """
    with _making:
        found = _session().get_credentials()
    if not isinstance(found, RefreshableCredentials):
        return None
    found.get_frozen_credentials()
    # botocore has no public name for it.
    expiry: datetime | None = getattr(found, "_expiry_time", None)
    return expiry


def dynamodb_client() -> DynamoDBClient:
    """The process's DynamoDB client."""
    return get_client("dynamodb")  # type: ignore[no-any-return]


@cache
def _made_once() -> Any:
    made = _session().create_client("dynamodb", config=_CONFIG.merge(_ONCE))
    made.meta.events.register("response-received", _count_refusal)
    _check_calls(made)
    _Idle(made).watch()
    return made


def dynamodb_client_without_retries() -> DynamoDBClient:
    """The process's DynamoDB client that makes each request once, without retries."""
    with _making:
        return _made_once()  # type: ignore[no-any-return]


def is_throttling(error: BaseException | None) -> bool:
    """Whether an error is DynamoDB's throttling, or was caused by it."""
    while error is not None:
        if isinstance(error, ClientError) and error_code(error) in _THROTTLES:
            return True
        error = error.__cause__
    return False


def error_code(error: ClientError) -> str:
    """The error code in the service's response."""
    return str(error.response.get("Error", {}).get("Code", ""))


def clear_clients() -> None:
    """Drops the cached clients, for tests that change the endpoint."""
    _made.cache_clear()
    _made_once.cache_clear()
    _session.cache_clear()
