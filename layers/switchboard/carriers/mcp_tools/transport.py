"""The HTTP transport of the official client. Every request goes through the guarded client, within limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import httpx2

from switchboard.carriers.mcp_tools.asked import AskedRequest, read_request
from switchboard.outbound.client import GuardedClient, NoResponseError, ResponseStream
from switchboard.outbound.reserved_headers import RESERVED_HEADERS

#: The usual time of one request with its whole response, and of the request that ends a session, in seconds.
REQUEST_SECONDS, GOODBYE_SECONDS = 8.0, 2.0
#: The bytes of one response, and of all responses of a session.
MAX_RESPONSE_BYTES, MAX_SESSION_BYTES = 1_024 * 1_024, 4 * 1_024 * 1_024
#: The requests of one session. A server may ask for answers of the client, and must not use us to flood anybody.
MAX_REQUESTS = 30
_NO_SUCH_METHOD, _REDIRECTS, _BAD_REQUEST = 405, range(300, 400), 400
_IDENTITY = ("", "identity")
_LAST_EVENT = "last-event-id"


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of one session to one URL.

    `problem` says in words why the latest message failed. `asked` is the latest request, and what the server answered
    to it. The client sends other messages after a request, such as its cancellation and the end of the session.
    `seconds` is the time of one request with its whole response.
    """

    def __init__(self, web: GuardedClient, url: str, seconds: float) -> None:
        self.problem: str | None = None
        self.asked: AskedRequest | None = None
        self._web, self._url, self._seconds = web, url, seconds
        self._requests = self._bytes = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends a request. Raises httpx2.TransportError."""
        if request.method == "GET" and _LAST_EVENT not in request.headers:
            # A stream of the server's own messages. Nothing here listens to them.
            return httpx2.Response(_NO_SUCH_METHOD, request=request)
        self._requests += 1
        if self._requests > MAX_REQUESTS:
            raise self._failure(f"it needs more than {MAX_REQUESTS} requests")
        body = await request.aread()
        # A server may close a stream, and go on with its events when the client asks for them by the last one's id.
        asked = self.asked if request.method == "GET" else read_request(body)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in RESERVED_HEADERS}
        seconds = GOODBYE_SECONDS if request.method == "DELETE" else self._seconds
        if asked:
            self.asked, self.problem = asked, None
        try:
            stream = await self._web.open_stream(request.method, self._url, headers, body, seconds)
        except NoResponseError as error:
            if request.method == "DELETE":
                # The session ends anyway, and its result is known.
                raise httpx2.ReadError(error.reason) from error
            raise self._failure(error.reason) from error
        if stream.headers.get("content-encoding", "").lower() not in _IDENTITY:
            stream.close()
            raise self._failure("it compresses responses that must not be compressed")
        if stream.status in _REDIRECTS:
            stream.close()
            raise self._failure("it redirects: use the URL to which it redirects")
        kept = {name: value for name, value in stream.headers.items() if name in _KEPT_HEADERS}
        heard = asked.begin_response(stream.status, kept.get("content-type", "")) if asked else bytearray()
        return httpx2.Response(stream.status, headers=kept, stream=_Body(self, stream, heard), request=request)

    def count_bytes(self, size: int, so_far: int) -> None:
        """Counts a part of a response of which `so_far` bytes were read. Raises httpx2.TransportError at a limit."""
        self._bytes += size
        if so_far + size > MAX_RESPONSE_BYTES or self._bytes > MAX_SESSION_BYTES:
            raise self._failure(f"its response is larger than {MAX_RESPONSE_BYTES // 1_024:,} KB")

    def note_failure(self, reason: str) -> httpx2.TransportError:
        """Returns the error of a response that broke off."""
        return self._failure(reason)

    def _failure(self, problem: str) -> httpx2.TransportError:
        self.problem = problem
        return httpx2.ReadError(problem)


#: The headers that the client reads. It must not decode, or keep cookies.
_KEPT_HEADERS = frozenset({"content-type", "mcp-session-id", "location"})


class _Body(httpx2.AsyncByteStream):
    """The body of a response, within the limits. `heard` gets what was read."""

    def __init__(self, transport: GuardedTransport, stream: ResponseStream, heard: bytearray) -> None:
        self._transport, self._stream, self._heard = transport, stream, heard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for part in self._stream.read_parts():
                self._transport.count_bytes(len(part), size)
                size += len(part)
                self._heard += part
                yield part
        except NoResponseError as error:
            raise self._transport.note_failure(error.reason) from error

    async def aclose(self) -> None:
        with suppress(Exception):
            self._stream.close()
