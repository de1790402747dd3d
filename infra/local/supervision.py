"""Restarts a server of the stack when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from infra.local.server import Server
from infra.local.terminal import print_line

_LOOK_EVERY_SECONDS = 0.25
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


async def keep_running(server: Server, then: Callable[[], Awaitable[None]] | None = None) -> None:
    """Restart a server each time it ends, and run `then` when it responds. Two lines report each restart."""
    while True:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        end = server.describe_end()
        if end is None:
            continue
        print_line(f"The {server.name} {end} and is being started again.")
        await _start_again(server, then)
        print_line(f"The {server.name} is up again.")


async def _start_again(server: Server, then: Callable[[], Awaitable[None]] | None) -> None:
    pause = _FIRST_PAUSE
    while True:
        if server.describe_end() is not None:
            server.restart()
        try:
            await asyncio.to_thread(server.wait_until_ready)
            if then:
                await then()
        except Exception as error:  # noqa: BLE001 each error is printed, and none ends the watch
            print_line(f"{error} The next try is in {pause:.0f} s.")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            return
