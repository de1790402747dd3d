"""Sends the events of one stream to its client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from switchboard.kit import chance, settings
from switchboard.streams import sse
from switchboard.streams.feed import Watcher
from switchboard.streams.timer import StreamTimer

Write = Callable[[bytes], Awaitable[None]]

#: The client gets a new position to resume from after so many events that its filter excludes.
EVENTS_PER_MARK = 1_000
#: Seconds. A watcher that reads from the store waits so long for events that are not visible there yet.
_LOOK_AGAIN_SECONDS = 0.5
#: The reason for ending a stream after its source ended.
_ENDED = "the source has ended"
_RETRY_MS = (1_000, 3_000)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The limits of a stream, in seconds."""

    #: The longest life of a stream: less than the fifteen minutes that API Gateway and Lambda allow.
    life: float
    #: The longest time without a byte.
    silence: float
    #: The longest time in which a client does not read.
    stall: float
    #: Whether the response arrives only when it is complete. Then the stream ends after its first events.
    buffered: bool = False

    @classmethod
    def for_live(cls) -> StreamLimits:
        """Returns the limits of a live stream. A tenth of its life is random, to spread the reconnections."""
        seconds = settings.number("STREAM_SECONDS", 14 * 60)
        return cls(seconds * chance.between(0.9, 1), 15, 30)

    @classmethod
    def for_buffered(cls) -> StreamLimits:
        """Returns the limits of a buffered stream, a long poll. It must end within API Gateway's 29 seconds."""
        return cls(settings.number("BUFFERED_STREAM_SECONDS", 20), 15, 30, buffered=True)


class StalledError(Exception):
    """The client does not read the stream."""


async def send_events(watcher: Watcher, write: Write, terms: StreamLimits, timer: StreamTimer) -> str:
    """Sends events until the stream ends. Returns the reason for the end. Raises StalledError if the client stalls."""
    return await _Session(watcher, write, terms, timer).run()


class _Session:
    def __init__(self, watcher: Watcher, write: Write, terms: StreamLimits, timer: StreamTimer) -> None:
        self._watcher, self._write, self._terms, self._timer = watcher, write, terms, timer
        self._ends = timer.now() + terms.life
        self._spoke = timer.now()
        self._marked = watcher.after
        self._told = False

    async def run(self) -> str:
        subscription = self._watcher.subscription
        start, retry = subscription.start, round(chance.between(*_RETRY_MS))
        try:
            await self._send(sse.opening_block(retry, None if start.resumed else start.after) + start.opening)
            reason = await self._send_until_over()
            last = self._watcher.last_block if reason == _ENDED else None
            await self._send(last or sse.ending_block(reason))
        except TimeoutError:
            raise StalledError from None
        return reason

    async def _send_until_over(self) -> str:
        while not self._watcher.over:
            now = self._timer.now()
            if now >= self._ends or (self._told and self._terms.buffered):
                return "come again"
            if now - self._spoke >= self._terms.silence:
                await self._send(sse.PING)
            self._watcher.wake.clear()
            if await self._send_next():
                continue
            if self._watcher.last_block is not None and not self._watcher.over:
                return _ENDED
            await self._wait_for_entries()
        return self._watcher.over

    async def _send_next(self) -> bool:
        """Sends the next events. Returns whether there were any."""
        entries = await self._watcher.read_next()
        if not entries or self._watcher.over:
            return False
        takes = self._watcher.subscription.selection.selects
        frames = [entry.frame for entry in entries if takes(entry)]
        self._watcher.after = entries[-1].place
        if frames:
            await self._send(b"".join(frames))
            self._told = True
            self._marked = self._watcher.after
        elif self._watcher.after - self._marked >= EVENTS_PER_MARK:
            await self._send(sse.place_block(self._watcher.after))
            self._marked = self._watcher.after
        return True

    async def _wait_for_entries(self) -> None:
        if self._watcher.over:
            return
        until = min(self._ends, self._spoke + self._terms.silence)
        seconds = max(0.0, until - self._timer.now())
        await self._timer.wait(
            self._watcher.wake, min(seconds, _LOOK_AGAIN_SECONDS) if self._watcher.is_behind else seconds
        )

    async def _send(self, data: bytes) -> None:
        async with asyncio.timeout(self._terms.stall):
            await self._write(data)
        self._spoke = self._timer.now()
