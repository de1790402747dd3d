"""What one client is sent, from the first byte to the last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from switchboard.aws import chance, settings
from switchboard.streams import sse
from switchboard.streams.feed import Watcher
from switchboard.streams.waiting import Timer

Write = Callable[[bytes], Awaitable[None]]

#: How many events may pass that a stream does not show, before its client is told to resume behind them.
MARK_EVERY = 1_000
#: How long a watcher that reads from the store waits for what is not to be seen there yet.
_LOOK_AGAIN = 0.5
#: Why a stream ends whose source has ended.
_ENDED = "the source has ended"
_RETRY_MS = (1_000, 3_000)


@dataclass(frozen=True, slots=True)
class Terms:
    """The limits of a stream, in seconds."""

    #: How long it lives: less than the fifteen minutes that API Gateway and Lambda allow.
    life: float
    #: How long it may be silent.
    silence: float
    #: How long a client may leave what was sent unread.
    stall: float
    #: Whether the answer arrives only when it is whole: then the first events end it.
    buffered: bool = False

    @classmethod
    def live(cls) -> Terms:
        """A stream that arrives while it is written. A tenth of its life is chance, lest all come again at once."""
        seconds = settings.number("STREAM_SECONDS", 14 * 60)
        return cls(seconds * chance.between(0.9, 1), 15, 30)

    @classmethod
    def whole(cls) -> Terms:
        """A stream that is kept back until it ends, within API Gateway's 29 seconds: a long poll."""
        return cls(settings.number("BUFFERED_STREAM_SECONDS", 20), 15, 30, buffered=True)


class StalledError(Exception):
    """The client does not read what it is sent."""


async def run(watcher: Watcher, write: Write, terms: Terms, timer: Timer) -> str:
    """Send events until the stream is over. Answers why it ended. Raises StalledError."""
    return await _Session(watcher, write, terms, timer).run()


class _Session:
    def __init__(self, watcher: Watcher, write: Write, terms: Terms, timer: Timer) -> None:
        self._watcher, self._write, self._terms, self._timer = watcher, write, terms, timer
        self._ends = timer.now() + terms.life
        self._spoke = timer.now()
        self._marked = watcher.after
        self._told = False

    async def run(self) -> str:
        subscription = self._watcher.subscription
        start, retry = subscription.start, round(chance.between(*_RETRY_MS))
        try:
            await self._send(sse.opening(retry, None if start.resumed else start.after))
            reason = await self._events()
            last = self._watcher.last_block if reason == _ENDED else None
            await self._send(last or sse.ending(reason))
        except TimeoutError:
            raise StalledError from None
        return reason

    async def _events(self) -> str:
        while not self._watcher.over:
            now = self._timer.now()
            if now >= self._ends or (self._told and self._terms.buffered):
                return "come again"
            if now - self._spoke >= self._terms.silence:
                await self._send(sse.PING)
            self._watcher.wake.clear()
            if await self._forward():
                continue
            if self._watcher.last_block is not None and not self._watcher.over:
                return _ENDED
            await self._wait()
        return self._watcher.over

    async def _forward(self) -> bool:
        """Go on by some events, if there are any."""
        entries = await self._watcher.more()
        if not entries or self._watcher.over:
            return False
        takes = self._watcher.subscription.selection.takes
        frames = [entry.frame for entry in entries if takes(entry)]
        self._watcher.after = entries[-1].place
        if frames:
            await self._send(b"".join(frames))
            self._told = True
            self._marked = self._watcher.after
        elif self._watcher.after - self._marked >= MARK_EVERY:
            await self._send(sse.mark(self._watcher.after))
            self._marked = self._watcher.after
        return True

    async def _wait(self) -> None:
        if self._watcher.over:
            return
        until = min(self._ends, self._spoke + self._terms.silence)
        seconds = max(0.0, until - self._timer.now())
        await self._timer.wait(self._watcher.wake, min(seconds, _LOOK_AGAIN) if self._watcher.is_behind else seconds)

    async def _send(self, data: bytes) -> None:
        async with asyncio.timeout(self._terms.stall):
            await self._write(data)
        self._spoke = self._timer.now()
