"""One botocore session for the process, and its clients."""

from __future__ import annotations

from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from botocore.exceptions import ConnectionError as NotConnectedError

from switchboard.aws import clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = [
    "NOT_REACHED",
    "BotoCoreError",
    "ClientError",
    "ConnectionFailed",
    "client",
    "dynamodb",
    "dynamodb_once",
    "error_code",
    "forget",
    "throttled",
]

# A Lambda answers within seconds: a hung socket must fail well before the function's own time limit does.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=25,
    tcp_keepalive=True,
)
#: How often botocore itself makes a request. Mail is handed over once: whether a lost answer was a yes is for the
#: provider's notification to tell. The table's own module repeats what may be repeated, sooner than botocore.
_ATTEMPTS = {"ses": 1, "dynamodb": 2, "bedrock-runtime": 1}
_ATTEMPTS_OTHERWISE = 4
#: How long a connection may be idle before a request that is made once. A shorter time than servers commonly keep an
#: idle connection (5 s), so that such a request never meets one that is closed already.
IDLE_SECONDS = 3.0
#: Signed links to S3 are taken in every region by the newer signature and the region's own host alone.
_OWN_CONFIG = {
    "s3": Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    # A language model thinks for longer than a store does; whoever asks it has a time limit to match.
    "bedrock-runtime": Config(read_timeout=45),
}

#: A limiter is not waited for as long as a store is.
_ONCE = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})

#: What DynamoDB answers when an item, a table or an account is asked for more than it takes.
_THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
    }
)

#: Failures without an answer: nobody was reached, or the connection ended first.
ConnectionFailed = (HTTPClientError, NotConnectedError)
#: Failures before anything was sent.
NOT_REACHED = (ConnectTimeoutError, EndpointConnectionError)

#: botocore's session is not for several threads at a time; the clients that it makes are.
_making = RLock()


@cache
def _session() -> Any:
    return botocore.session.get_session()


def client(service: str) -> Any:
    """The process's client of an AWS service. Region, credentials and endpoint come from the environment."""
    with _making:
        return _made(service)


@cache
def _made(service: str) -> Any:
    attempts = _ATTEMPTS.get(service, _ATTEMPTS_OTHERWISE)
    config = _CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": attempts}))
    made = _session().create_client(service, config=config.merge(_OWN_CONFIG.get(service, Config())))
    if attempts == 1:
        _Idle(made).watch()
    return made


class _Idle:
    """Closes a client's connections when they were idle for too long, before they are used again.

    An environment that was frozen holds connections that the other side closed long ago. A request over one of them
    fails without an answer, and one that is not repeated is then lost. Time is the wall's: the process's own clock may
    stand still while it is frozen, and a connection then looks as if it was used a moment ago.
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
        # Set back, the clock says nothing of how long it was.
        if not self._busy and abs(clock.epoch() - self._used_at) > IDLE_SECONDS:
            self._client.close()
        self._busy += 1

    def _after(self, **_: Any) -> None:
        self._busy = max(0, self._busy - 1)
        self._used_at = clock.epoch()


def dynamodb() -> DynamoDBClient:
    """The process's DynamoDB client."""
    return client("dynamodb")  # type: ignore[no-any-return]


@cache
def _made_once() -> Any:
    made = _session().create_client("dynamodb", config=_CONFIG.merge(_ONCE))
    _Idle(made).watch()
    return made


def dynamodb_once() -> DynamoDBClient:
    """The process's DynamoDB client that makes no request twice."""
    with _making:
        return _made_once()  # type: ignore[no-any-return]


def throttled(error: BaseException | None) -> bool:
    """Whether an error is DynamoDB's throttling, or comes of it."""
    while error is not None:
        if isinstance(error, ClientError) and error_code(error) in _THROTTLES:
            return True
        error = error.__cause__
    return False


def error_code(error: ClientError) -> str:
    """The service's own word for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))


def forget() -> None:
    """Drop the clients, for tests that move to another endpoint."""
    _made.cache_clear()
    _made_once.cache_clear()
    _session.cache_clear()
