"""How streams wait, as something a test can hold still."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Timer(Protocol):
    """A clock that goes forward only, and waiting by it."""

    def now(self) -> float:
        """Seconds since some moment."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for an event, for so long at most."""


class Monotonic:
    """The machine's own."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for an event, for so long at most."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
