"""The guarded HTTP client, for every request to a URL that a customer chooses.

It refuses addresses outside the public internet, so that a customer cannot reach our own network through us.
"""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from ssl import SSLCertVerificationError, SSLContext
from time import monotonic
from types import TracebackType
from typing import NoReturn, Self

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from yarl import URL

from switchboard.errors import Invalid
from switchboard.outbound import destination, resolver
from switchboard.outbound.connections import Connections, RequestRecord, current_request
from switchboard.outbound.errors import (
    ConnectionFailedError,
    ForbiddenTargetError,
    HeadersTooLargeError,
    InvalidResponseError,
    NoResponseError,
    TimedOutError,
)
from switchboard.outbound.reserved_headers import RESERVED_HEADERS
from switchboard.outbound.resolver import Lookup

__all__ = [
    "ConnectionFailedError",
    "ForbiddenTargetError",
    "GuardedClient",
    "HeadersTooLargeError",
    "InvalidResponseError",
    "NoResponseError",
    "Response",
    "ResponseStream",
    "TimedOutError",
]

#: How many bytes of a response's body are read.
MAX_BODY_BYTES = 65_536
#: The share of the timeout that a connection may take to open, and its maximum in seconds.
_CONNECT_PART, _CONNECT_MOST = 0.5, 5.0
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Response:
    """A response: header names in lower case, and the beginning of the body, still encoded as it was received."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: int


class ResponseStream:
    """A response whose body is read part by part. `headers` has names in lower case. Close it in any case."""

    def __init__(self, response: aiohttp.ClientResponse, connections: Connections, seconds: float) -> None:
        self.status, self.headers = response.status, _fields(response)
        self._response, self._connections, self._seconds = response, connections, seconds
        self._closed = False

    async def read_parts(self) -> AsyncIterator[bytes]:
        """Yields the body as it arrives, still encoded. Raises NoResponseError."""
        parts = self._response.content.iter_any()
        while True:
            with _explained_errors(self._seconds):
                part = await anext(parts, b"")
            if not part:
                return
            yield part

    def close(self) -> None:
        """Ends the exchange, also in the middle of the body."""
        if not self._closed:
            self._closed = True
            self._response.close()
            self._connections.end_exchange()


class GuardedClient:
    """Connects only to checked addresses. The client belongs to the event loop of its first use."""

    def __init__(
        self,
        *,
        lookup: Lookup = resolver.look_up_host,
        ssl: SSLContext | None = None,
        max_body: int = MAX_BODY_BYTES,
    ) -> None:
        self._lookup, self._ssl, self._max_body = lookup, ssl, max_body
        self._opened: Connections | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        """Posts a body and returns the response, with any status. Does not follow redirects. Raises NoResponseError.

        `seconds` limits the complete exchange. If a kept connection is dead, the client retries once on a new
        connection. In rare cases the receiver then sees a request twice, so a request that must not be repeated needs
        an id.
        """
        return await self.send("POST", url, headers, body, seconds)

    async def get(self, url: str, headers: Mapping[str, str], seconds: float) -> Response:
        """Gets a URL and returns the response, as `post` does. Raises NoResponseError."""
        return await self.send("GET", url, headers, None, seconds)

    async def delete(self, url: str, headers: Mapping[str, str], seconds: float) -> Response:
        """Deletes what a URL names and returns the response, as `post` does. Raises NoResponseError."""
        return await self.send("DELETE", url, headers, None, seconds)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> Response:
        """Sends a request of any method and returns the response, as `post` does. Raises NoResponseError."""
        target = _target(url, loopback=destination.loopback_allowed())
        _check_headers(headers)
        connections = self._connections()
        await connections.begin_exchange()
        started = monotonic()
        try:
            with _explained_errors(seconds):
                status, fields, content = await self._send_with_retry(
                    connections, method, target, headers, body, seconds
                )
        finally:
            connections.end_exchange()
        return Response(status, fields, content, round((monotonic() - started) * 1000))

    async def open_stream(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> ResponseStream:
        """Sends a request once, on a new connection, and returns the response when its headers are there.

        `seconds` limits the complete exchange. Does not follow redirects. Raises NoResponseError.
        """
        target = _target(url, loopback=destination.loopback_allowed())
        _check_headers(headers)
        connections = self._connections()
        await connections.begin_exchange()
        current_request.set(RequestRecord())
        try:
            with _explained_errors(seconds):
                response = await connections.single_use_session.request(
                    method, target, data=body, headers=headers, allow_redirects=False, timeout=_timeout(seconds)
                )
            return ResponseStream(response, connections, seconds)
        except BaseException:
            connections.end_exchange()
            raise

    async def close(self) -> None:
        """Closes all connections."""
        opened, self._opened = self._opened, None
        if opened:
            await opened.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    def _connections(self) -> Connections:
        if self._opened is None:
            self._opened = Connections(self._lookup, self._ssl)
        return self._opened

    async def _send_with_retry(
        self,
        connections: Connections,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
    ) -> tuple[int, dict[str, str], bytes]:
        mark = RequestRecord()
        current_request.set(mark)
        until = monotonic() + seconds
        try:
            return await self._send_once(connections.usual_session, method, url, headers, body, _timeout(seconds))
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if mark.opened or monotonic() >= until:
                raise
        return await self._send_once(
            connections.single_use_session, method, url, headers, body, _timeout(until - monotonic())
        )

    async def _send_once(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: aiohttp.ClientTimeout,
    ) -> tuple[int, dict[str, str], bytes]:
        async with session.request(
            method, url, data=body, headers=headers, allow_redirects=False, timeout=timeout
        ) as response:
            content = await self._read_beginning(response)
            return response.status, _fields(response), content

    async def _read_beginning(self, response: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > self._max_body:
                response.close()
                break
        return b"".join(parts)[: self._max_body]


@lru_cache(4_096)
def _target(url: str, *, loopback: bool) -> URL:  # noqa: ARG001 part of the cache's key: the check depends on it
    try:
        checked = destination.check_url(url)
    except Invalid as error:
        raise ForbiddenTargetError(f"the URL {error.details['fields']['url']}") from error
    try:
        found = URL(checked, encoded=True)
    except ValueError as error:
        raise ForbiddenTargetError("the URL is not valid") from error
    # aiohttp uses this parsed URL: its host and port must be those that were checked.
    if found.host_port_subcomponent != checked.split("/", 3)[2]:
        raise ForbiddenTargetError("the URL is not valid")
    return found


@lru_cache(256)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    # Keep fractions of seconds: aiohttp would round a longer timeout up to a full second.
    connect = min(seconds * _CONNECT_PART, _CONNECT_MOST)
    return aiohttp.ClientTimeout(total=seconds, connect=connect, ceil_threshold=inf)


def _check_headers(headers: Mapping[str, str]) -> None:
    _check_names(tuple(headers))
    if _is_plain("".join(headers.values())):
        return
    name = next(name for name, value in headers.items() if not _is_plain(value))
    raise ForbiddenTargetError(f"the header {name[:100]} has a value that is not printable ASCII")


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


@lru_cache(1_024)
def _check_names(names: tuple[str, ...]) -> None:
    for name in names:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in RESERVED_HEADERS:
            raise ForbiddenTargetError(f"the header {name[:100]!r} may not be set")


def _fields(response: aiohttp.ClientResponse) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, text in response.headers.items():
        # aiohttp turns bytes that are not UTF-8 into lone surrogates, which cannot be stored.
        value = text if text.isascii() else text.encode(errors="surrogateescape").decode(errors="replace")
        lower = name.lower()
        fields[lower] = f"{fields[lower]}, {value}" if lower in fields else value
    return fields


@contextmanager
def _explained_errors(seconds: float) -> Iterator[None]:
    """Turns the library's errors into NoResponseError."""
    try:
        yield
    except NoResponseError:
        raise
    except aiohttp.ConnectionTimeoutError as error:
        raise TimedOutError("no connection could be made in time") from error
    except TimeoutError as error:
        raise TimedOutError(f"no complete response within {seconds:g} s") from error
    except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
        _raise(error)


def _raise(error: Exception) -> NoReturn:
    """Raises an error with a message of our own. The library's messages may contain addresses of ours."""
    match error:
        case aiohttp.InvalidURL():
            raise ForbiddenTargetError("the URL is not valid") from error
        case aiohttp.ClientConnectorDNSError():
            gone = getattr(error.os_error, "errno", None) in (socket.EAI_NONAME, None)
            raise ConnectionFailedError(
                "the host has no address" if gone else "the host could not be looked up"
            ) from error
        case aiohttp.ClientConnectorCertificateError(certificate_error=SSLCertVerificationError() as cause):
            raise ConnectionFailedError(f"the certificate is not valid: {cause.verify_message}") from error
        case aiohttp.ClientSSLError():
            raise ConnectionFailedError("the TLS handshake failed") from error
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            raise ConnectionFailedError("the connection was refused") from error
        case aiohttp.ClientConnectorError():
            raise ConnectionFailedError("the host cannot be reached") from error
        case aiohttp.ClientPayloadError():
            raise ConnectionFailedError("the connection was closed in the middle of the response") from error
        case aiohttp.ClientResponseError() | HttpProcessingError() if _is_too_long(error):
            raise HeadersTooLargeError("the response's headers are too large") from error
        case aiohttp.ClientResponseError() | HttpProcessingError() | ValueError():
            raise InvalidResponseError("the response is not valid HTTP") from error
        case _:
            raise ConnectionFailedError("the connection was closed without a response") from error


def _is_too_long(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, LineTooLong) or getattr(error, "message", "").startswith("Too many headers"):
            return True
        error = error.__cause__
    return False
