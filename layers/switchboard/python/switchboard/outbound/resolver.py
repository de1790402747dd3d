"""Looking names up, and letting no address through that may not be connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

from switchboard.outbound import destination, hosts
from switchboard.outbound.errors import Refused

#: Answers the addresses of a name. Raises OSError.
Lookup = Callable[[str], list[str]]

#: Threads of their own: a customer's slow name server holds up no table and no queue. Each is made when it is needed,
#: and a name is looked up once at a time, so that hung name servers leave room for healthy ones: a worker that takes
#: ten deliveries every few seconds begins fewer look-ups than that before the resolver gives the first one up.
_THREADS = 256


def lookup(host: str) -> list[str]:
    """The addresses that the system's resolver has for a name, which is taken as complete: no search domain."""
    found = socket.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Guarded(AbstractResolver):
    """Answers only for names of which every address may be connected to."""

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
        """The addresses of a name. Raises Refused where any of them is not global, OSError where there is none."""
        for address in (addresses := await self._addresses(host)):
            if not destination.may_resolve_to(host, address):
                raise Refused("the host resolves to an address that is not on the public internet")
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

    async def _addresses(self, host: str) -> list[str]:
        if host == hosts.LOCALHOST:
            return ["127.0.0.1", "::1"]  # always (RFC 6761, 6.3)
        running = self._running.get(host)
        if running is None:
            running = asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, host)
            self._running[host] = running
            running.add_done_callback(lambda done: self._forget(host, done))
        # Whoever has no more time leaves it to the others.
        found = await asyncio.shield(running)
        if not found:
            raise OSError("no address")
        return list(dict.fromkeys(found))

    def _forget(self, host: str, done: asyncio.Future[list[str]]) -> None:
        self._running.pop(host, None)
        if not done.cancelled():
            done.exception()  # seen, should nobody wait for it any more

    async def close(self) -> None:
        """Let the threads go; look-ups that still run are waited for by nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)
