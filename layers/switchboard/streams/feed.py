"""A feed polls one source for all its watchers in this process.

A feed keeps the newest entries in memory, and each watcher keeps its own place among them. A slow watcher delays nobody
and needs no memory: it reads the entries that it missed from the source again.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.errors import Forbidden, Unauthenticated
from switchboard.streams import service, store
from switchboard.streams.guard import StreamGuard
from switchboard.streams.models import EntryBatch, StreamEntry, StreamSubscription
from switchboard.streams.source import StreamSource
from switchboard.streams.timer import MonotonicTimer, StreamTimer

#: Runs a blocking function outside the event loop.
Run = Callable[..., Awaitable[Any]]

#: The numbers of entries that a feed keeps, reads from the source at once, and passes to a watcher at once.
_ENTRIES_KEPT, _ENTRIES_PER_POLL, _ENTRIES_PER_BATCH = 2_000, 500, 100
#: The number of slow watchers that may read from the source at the same time.
_MAX_PARALLEL_REREADS = 4
_MAX_PAUSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class PollInterval:
    """Seconds between two polls: `busy` after new entries, `idle` after `calm` seconds without any.

    An event takes about one second to enter the chain. Clients must see it within two seconds, and these times allow
    that.
    """

    busy: float = 0.5
    idle: float = 0.7
    calm: float = 30.0


class Watcher:
    """One stream's place in a feed. `wake` is set when there is something new."""

    def __init__(self, feed: Feed, subscription: StreamSubscription) -> None:
        self._feed = feed
        self.subscription = subscription
        self.after = subscription.start.after
        self.wake = asyncio.Event()
        self.over: str | None = None

    @property
    def is_behind(self) -> bool:
        """Whether the next entries must be read from the source."""
        return self.after < self._feed.floor

    @property
    def last_block(self) -> bytes | None:
        """The source's last block, after this watcher has got all entries before it."""
        return self._feed.last_block if self.after >= self._feed.head else None

    async def read_next(self) -> Sequence[StreamEntry]:
        """Returns the next entries after this watcher's place, including those that it does not show."""
        return await self._feed.read_after(self.after)

    def end_stream(self, reason: str) -> None:
        """Ends the stream. The first reason counts."""
        self.over = self.over or reason
        self.wake.set()


class _PollResult(NamedTuple):
    batch: EntryBatch
    ended: dict[str, str]
    lost: set[str]


class Feed:
    """Polls one source while it has watchers."""

    def __init__(self, source: StreamSource, head: int, run: Run, timer: StreamTimer, pace: PollInterval) -> None:
        self._source, self._run, self._timer, self._pace = source, run, timer, pace
        #: `head` is the newest place that was read. All entries after `floor` are in memory.
        self.head = self.floor = head
        self.last_block: bytes | None = None
        self.watchers: dict[str, Watcher] = {}
        self._kept: list[StreamEntry] = []
        self._behind = asyncio.Semaphore(_MAX_PARALLEL_REREADS)
        #: Whether the last poll could check the guards. The requests that opened the streams made the first check.
        self._is_checked = True
        self._renew_at = timer.now() + store.RENEWAL_SECONDS
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def read_after(self, after: int) -> Sequence[StreamEntry]:
        """Returns some entries after a place, from memory or from the source. Empty if there are none yet."""
        if after >= self.floor:
            start = bisect_right(self._kept, after, key=attrgetter("place"))
            return self._kept[start : start + _ENTRIES_PER_BATCH]
        if not self._is_checked:
            return ()
        async with self._behind:
            try:
                found: EntryBatch = await self._run(self._source.read_entries, after, _ENTRIES_PER_BATCH)
            except Exception:  # noqa: BLE001 the watcher retries, like the feed
                self._log_failure()
                return ()
        return found.entries

    def start(self) -> None:
        """Starts polling."""
        self._task = asyncio.get_running_loop().create_task(self._poll_until_stopped())

    def stop(self) -> None:
        """Stops polling."""
        self._stop.set()
        if self._task:
            self._task.cancel()

    async def _poll_until_stopped(self) -> None:
        last, pause = self._timer.now(), self._pace.busy
        while not self._stop.is_set():
            try:
                grown = await self.poll_once()
            except Exception:  # noqa: BLE001 streams survive a short failure of the store
                self._log_failure()
                pause = min(pause * 2, _MAX_PAUSE_SECONDS)
            else:
                now = self._timer.now()
                last = now if grown else last
                pause = self._pace.busy if now - last < self._pace.calm else self._pace.idle
                if grown == _ENTRIES_PER_POLL:
                    continue
            await self._timer.wait(self._stop, pause)

    def _log_failure(self) -> None:
        telemetry.logger().warning("a stream's source cannot be read", extra={"source": self._source.id}, exc_info=True)

    async def poll_once(self) -> int:
        """Polls once: checks the guards, reads new entries, renews leases. Returns the number of new entries."""
        guards = {watcher.subscription.guard.id: watcher.subscription.guard for watcher in self.watchers.values()}
        due = self._timer.now() >= self._renew_at
        if due:
            self._renew_at = self._timer.now() + store.RENEWAL_SECONDS
        held = [watcher.subscription for watcher in self.watchers.values()] if due else []
        try:
            found: _PollResult = await self._run(_poll, self._source, self.head, list(guards.values()), held)
        except Exception:
            self._is_checked = False
            raise
        self._is_checked = True
        for watcher in list(self.watchers.values()):
            if reason := found.ended.get(watcher.subscription.guard.id):
                watcher.end_stream(reason)
            elif watcher.subscription.id in found.lost:
                watcher.end_stream("another stream replaced this one")
        self._add_entries(found.batch)
        return len(found.batch.entries)

    def _add_entries(self, batch: EntryBatch) -> None:
        ends = batch.last_block is not None and self.last_block is None
        self.last_block = batch.last_block
        if not batch.entries and not ends:
            return
        self._kept += batch.entries
        if len(self._kept) > 2 * _ENTRIES_KEPT:
            self.floor = self._kept[-_ENTRIES_KEPT - 1].place
            del self._kept[:-_ENTRIES_KEPT]
        if batch.entries:
            self.head = batch.entries[-1].place
        for watcher in self.watchers.values():
            watcher.wake.set()


def _poll(
    source: StreamSource, head: int, guards: Sequence[StreamGuard], held: Sequence[StreamSubscription]
) -> _PollResult:
    # Renew first: an open stream keeps its place even if the next steps fail.
    lost = _renew_leases(held) if held else set()
    # Guards before the source: if the guards cannot be checked, nothing is read and so nothing is shown.
    ended: dict[str, str] = {}
    for guard in guards:
        try:
            guard.require_access()
        except (Unauthenticated, Forbidden) as error:
            ended[guard.id] = error.message
    return _PollResult(source.read_entries(head, _ENTRIES_PER_POLL), ended, lost)


def _renew_leases(held: Sequence[StreamSubscription]) -> set[str]:
    try:
        return service.renew_streams(held)
    except Exception:  # noqa: BLE001 an open stream survives a failure of the table
        telemetry.emit_metric("StreamLimiterDown")
        return set()


class Feeds:
    """The feeds of a process. A feed exists while it has watchers."""

    def __init__(self, run: Run, timer: StreamTimer | None = None, pace: PollInterval | None = None) -> None:
        self._run, self._timer, self._pace = run, timer or MonotonicTimer(), pace or PollInterval()
        self._feeds: dict[str, Feed] = {}

    def join_feed(self, subscription: StreamSubscription) -> Watcher:
        """Adds a watcher to the feed of the subscription's source."""
        source = subscription.source
        feed = self._feeds.get(source.id)
        if feed is None:
            feed = Feed(source, subscription.start.head, self._run, self._timer, self._pace)
            self._feeds[source.id] = feed
            feed.start()
        watcher = feed.watchers[subscription.id] = Watcher(feed, subscription)
        return watcher

    def leave_feed(self, watcher: Watcher) -> None:
        """Removes a watcher from its feed."""
        subscription = watcher.subscription
        feed = self._feeds[subscription.source.id]
        del feed.watchers[subscription.id]
        if not feed.watchers:
            feed.stop()
            del self._feeds[subscription.source.id]

    def end_streams(self, reason: str) -> None:
        """Ends every stream."""
        for feed in self._feeds.values():
            for watcher in feed.watchers.values():
                watcher.end_stream(reason)
