"""The timer of streams. Tests replace it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class StreamTimer(Protocol):
    """A monotonic clock that can also wait."""

    def now(self) -> float:
        """Returns seconds since an arbitrary time."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Waits for an event, at most for `seconds`."""


class MonotonicTimer:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Returns seconds since an arbitrary time."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Waits for an event, at most for `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
