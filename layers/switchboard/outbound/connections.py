"""The connections of one client. They go to checked addresses only, are kept for a short time, and are counted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import aiohttp

from switchboard.kit import clock
from switchboard.outbound import destination
from switchboard.outbound.errors import ForbiddenTargetError
from switchboard.outbound.resolver import GuardedResolver, Lookup

#: Servers commonly keep an idle connection for 5 s. A shorter time ensures that we close it first.
KEEP_SECONDS = 3.0
_DNS_SECONDS = 5
#: How many exchanges run at once, and with how many open sockets no further connection is kept. A Lambda function has
#: 1,024 file descriptors. A connection may briefly use two sockets, one for each address family.
MAX_EXCHANGES = 256
MAX_KEPT_SOCKETS = 400
_MAX_LINE, _MAX_HEADERS = 8_190, 100


@dataclass(slots=True)
class RequestRecord:
    """The record of one request: whether it opened a new connection."""

    opened: bool = False


#: The request of the current task, for which connections are opened.
current_request: ContextVar[RequestRecord] = ContextVar("current")


class Connections:
    """Two sessions: one keeps connections, the other opens a new connection for each request."""

    def __init__(self, look_up: Lookup, ssl: SSLContext | None) -> None:
        self.room = asyncio.Semaphore(MAX_EXCHANGES)
        self.open = 0
        self._ssl = ssl
        self._resolver = GuardedResolver(look_up)
        self._keeping, self._once = self._make_sessions()
        self._busy = 0
        self._used_at = clock.epoch()

    @property
    def single_use_session(self) -> aiohttp.ClientSession:
        """The session that opens a new connection for each request."""
        return self._once

    @property
    def usual_session(self) -> aiohttp.ClientSession:
        """The session that keeps connections, or the other one if too many connections are open."""
        return self._keeping if self.open < MAX_KEPT_SOCKETS else self._once

    async def begin_exchange(self) -> None:
        """Begins an exchange. Does not reuse connections that were open while the function was frozen."""
        await self.room.acquire()
        self._busy += 1
        # Use the wall clock: the monotonic clock may stop while the process is frozen.
        if self._busy == 1 and abs(clock.epoch() - self._used_at) > KEEP_SECONDS:
            try:
                await self._renew_sessions()
            except BaseException:
                self.end_exchange()
                raise

    async def _renew_sessions(self) -> None:
        before = self._keeping, self._once
        self._keeping, self._once = self._make_sessions()
        for session in before:
            await session.close()

    def end_exchange(self) -> None:
        """Ends an exchange."""
        self._busy -= 1
        self._used_at = clock.epoch()
        self.room.release()

    async def close(self) -> None:
        """Closes all sessions and the resolver."""
        for session in (self._keeping, self._once):
            await session.close()
        await self._resolver.close()

    def _make_sessions(self) -> tuple[aiohttp.ClientSession, aiohttp.ClientSession]:
        return self._make_session(keepalive_timeout=KEEP_SECONDS), self._make_session(force_close=True)

    def _make_session(self, **kept: Any) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._ssl or True,
            resolver=self._resolver,
            ttl_dns_cache=_DNS_SECONDS,
            limit=0,
            socket_factory=self._make_socket,
            **kept,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
            headers={"Accept-Encoding": "identity"},
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            max_headers=_MAX_HEADERS,
        )

    def _make_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        # Every connection goes through this function. Check the address here, because aiohttp asks the resolver only
        # about names and not about literal addresses.
        family, kind, protocol, _, address = info
        if not destination.may_connect(str(address[0])):
            raise ForbiddenTargetError("the address is not on the public internet")
        current_request.get().opened = True
        made = _Counted(family, kind, protocol)
        made.on_close = self._count_closed
        self.open += 1
        return made

    def _count_closed(self) -> None:
        self.open -= 1


class _Counted(socket.socket):
    """A socket that calls `on_close` when it is closed."""

    __slots__ = ("on_close",)
    on_close: Callable[[], None] | None

    def close(self) -> None:
        super().close()
        tell, self.on_close = getattr(self, "on_close", None), None
        if tell:
            tell()
