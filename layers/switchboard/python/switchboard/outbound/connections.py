"""The connections of one client: opened to checked addresses only, kept for a moment, and counted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import aiohttp

from switchboard.aws import clock
from switchboard.outbound import destination
from switchboard.outbound.errors import Refused
from switchboard.outbound.resolver import Guarded, Lookup

#: A shorter time than servers commonly keep a connection that is idle (5 s), so that we let go first.
KEEP_SECONDS = 3.0
_DNS_SECONDS = 5
#: A Lambda function has 1,024 file descriptors. So many exchanges run at once, and beyond so many open sockets none is
#: kept for later; a connection may take two sockets for a moment, one for each address family.
AT_ONCE = 256
KEPT_MOST = 400
_MAX_LINE, _MAX_HEADERS = 8_190, 100


@dataclass(slots=True)
class Mark:
    """What became of one request: whether a connection was opened for it."""

    opened: bool = False


#: The request that connections are opened for, in this task.
current: ContextVar[Mark] = ContextVar("current")


class Connections:
    """Two sessions, of which one keeps connections and the other opens one for each request."""

    def __init__(self, look_up: Lookup, ssl: SSLContext | None) -> None:
        self.room = asyncio.Semaphore(AT_ONCE)
        self.open = 0
        self._ssl = ssl
        self._resolver = Guarded(look_up)
        self._keeping, self._once = self._sessions()
        self._busy = 0
        self._used_at = clock.epoch()

    @property
    def once(self) -> aiohttp.ClientSession:
        """A session whose every request has a connection of its own."""
        return self._once

    @property
    def usual(self) -> aiohttp.ClientSession:
        """The session that keeps connections, unless too many are open."""
        return self._keeping if self.open < KEPT_MOST else self._once

    async def enter(self) -> None:
        """Begin an exchange. What was open while the function stood still is not used again."""
        await self.room.acquire()
        self._busy += 1
        # By the clock on the wall: a process that is frozen may not see the other one go on.
        if self._busy == 1 and abs(clock.epoch() - self._used_at) > KEEP_SECONDS:
            try:
                await self._renew()
            except BaseException:
                self.leave()
                raise

    async def _renew(self) -> None:
        before = self._keeping, self._once
        self._keeping, self._once = self._sessions()
        for session in before:
            await session.close()

    def leave(self) -> None:
        """End an exchange."""
        self._busy -= 1
        self._used_at = clock.epoch()
        self.room.release()

    async def close(self) -> None:
        """Close everything."""
        for session in (self._keeping, self._once):
            await session.close()
        await self._resolver.close()

    def _sessions(self) -> tuple[aiohttp.ClientSession, aiohttp.ClientSession]:
        return self._session(keepalive_timeout=KEEP_SECONDS), self._session(force_close=True)

    def _session(self, **kept: Any) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._ssl or True,
            resolver=self._resolver,
            ttl_dns_cache=_DNS_SECONDS,
            limit=0,
            socket_factory=self._socket,
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

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        # The one place through which every connection goes, whichever way its address was come by: aiohttp asks the
        # resolver about names only.
        family, kind, protocol, _, address = info
        if not destination.may_connect(str(address[0])):
            raise Refused("the address is not on the public internet")
        current.get().opened = True
        made = _Counted(family, kind, protocol)
        made.on_close = self._closed
        self.open += 1
        return made

    def _closed(self) -> None:
        self.open -= 1


class _Counted(socket.socket):
    """A socket that tells when it is closed."""

    __slots__ = ("on_close",)
    on_close: Callable[[], None] | None

    def close(self) -> None:
        super().close()
        tell, self.on_close = getattr(self, "on_close", None), None
        if tell:
            tell()
