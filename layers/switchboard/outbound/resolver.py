"""Resolves host names, and refuses names with addresses that are not allowed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

from switchboard.outbound import destination, hosts
from switchboard.outbound.errors import ForbiddenTargetError

#: Returns the addresses of a name. Raises OSError.
Lookup = Callable[[str], list[str]]

#: The number of threads for look-ups. A separate pool keeps a customer's slow name server from delaying tables and
#: queues. Threads are started when needed, and a name is looked up only once at a time, so that hanging name servers
#: leave room for healthy ones. A worker that takes ten deliveries every few seconds starts fewer look-ups than this
#: before the system's resolver gives up the first one.
_THREADS = 256


def look_up_host(host: str) -> list[str]:
    """Returns the system resolver's addresses of a fully qualified name, without search domains. Raises OSError."""
    found = socket.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedResolver(AbstractResolver):
    """Resolves a name only if connections to all of its addresses are allowed."""

    def __init__(self, look_up: Lookup) -> None:
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="lookup")
        self._running: dict[str, asyncio.Future[list[str]]] = {}

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 both families, always
    ) -> list[ResolveResult]:
        """Returns the addresses of a name.

        Raises ForbiddenTargetError if one of them is not allowed, OSError if it has none.
        """
        for address in (addresses := await self._look_up_once(host)):
            if not destination.may_resolve_to(host, address):
                raise ForbiddenTargetError("the host resolves to an address that is not on the public internet")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def _look_up_once(self, host: str) -> list[str]:
        if host == hosts.LOCALHOST:
            return ["127.0.0.1", "::1"]  # fixed addresses of `localhost` (RFC 6761, 6.3)
        running = self._running.get(host)
        if running is None:
            running = asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, host)
            self._running[host] = running
            running.add_done_callback(lambda done: self._forget_lookup(host, done))
        # Shield the look-up: a request that times out must not cancel it for the others.
        found = await asyncio.shield(running)
        if not found:
            raise OSError("no address")
        return list(dict.fromkeys(found))

    def _forget_lookup(self, host: str, done: asyncio.Future[list[str]]) -> None:
        self._running.pop(host, None)
        if not done.cancelled():
            done.exception()  # mark the error as retrieved, since no task may be waiting for it

    async def close(self) -> None:
        """Shuts down the threads without waiting for running look-ups."""
        self._threads.shutdown(wait=False, cancel_futures=True)
