"""One organisation's chain, read once a moment for all who watch it in this process.

A feed keeps the newest events in memory, and each watcher its own place among them: a slow watcher holds nothing back
and costs no memory, since what it missed is read again by `seq`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.errors import Forbidden, Unauthenticated
from switchboard.streams import service, store
from switchboard.streams.models import Entry, Subscription
from switchboard.streams.waiting import Monotonic, Timer

#: Runs what blocks somewhere else than in the event loop.
Run = Callable[..., Awaitable[Any]]
#: Raises Unauthenticated or Forbidden when a watcher's credential is no longer good.
Check = Callable[[], object]

#: How many events a feed keeps, takes at once from the store, and hands on at once.
_KEPT, _LIMIT, _BATCH = 2_000, 500, 100
#: How many watchers that fell behind read from the store at once.
_BEHIND = 4
_LONGEST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks: while something happens, when nothing has for a while, and that while.

    It takes an event about a second to get into the chain: these leave room in the two within which it is to be seen.
    """

    busy: float = 0.5
    idle: float = 0.7
    calm: float = 30.0


class Watcher:
    """One stream's place in a feed. `wake` is set when there is something to look at."""

    def __init__(self, feed: Feed, subscription: Subscription, check: Check) -> None:
        self._feed = feed
        self.subscription = subscription
        self.check = check
        self.after = subscription.after
        self.wake = asyncio.Event()
        self.over: str | None = None

    @property
    def is_behind(self) -> bool:
        """Whether what comes next has to be read from the store."""
        return self.after + 1 < self._feed.first

    async def more(self) -> Sequence[Entry]:
        """The next events behind this watcher's place, whether it shows them or not."""
        return await self._feed.behind(self.after)

    def end(self, reason: str) -> None:
        """End the stream: the first reason counts."""
        self.over = self.over or reason
        self.wake.set()


class _Round(NamedTuple):
    entries: list[Entry]
    ended: dict[str, str]
    lost: set[str]


class Feed:
    """Follows one organisation's chain while somebody watches."""

    def __init__(self, org_id: str, head: int, run: Run, timer: Timer, pace: Pace) -> None:
        self._org_id, self._run, self._timer, self._pace = org_id, run, timer, pace
        self.head = head
        self.watchers: dict[str, Watcher] = {}
        self._kept: list[Entry] = []
        self._behind = asyncio.Semaphore(_BEHIND)
        self._renew_at = timer.now() + store.RENEWAL
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def first(self) -> int:
        """The first `seq` that is kept in memory, or will be."""
        return self._kept[0].seq if self._kept else self.head + 1

    async def behind(self, after: int) -> Sequence[Entry]:
        """Some events behind a `seq`, from memory or else from the store; none if there are none yet."""
        start = after + 1 - self.first
        if start >= 0:
            return self._kept[start : start + _BATCH]
        async with self._behind:
            found: list[Entry] = await self._run(service.read, self._org_id, after, _BATCH)
        return found

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.get_running_loop().create_task(self._follow())

    def stop(self) -> None:
        """Follow no longer."""
        self._stop.set()
        if self._task:
            self._task.cancel()

    async def _follow(self) -> None:
        last, pause = self._timer.now(), self._pace.busy
        while not self._stop.is_set():
            try:
                grown = await self.look()
            except Exception:  # noqa: BLE001 streams outlive a store that is away for a while
                telemetry.logger().warning("the chain cannot be read", extra={"org_id": self._org_id}, exc_info=True)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                now = self._timer.now()
                last = now if grown else last
                pause = self._pace.busy if now - last < self._pace.calm else self._pace.idle
                if grown == _LIMIT:
                    continue
            await self._timer.wait(self._stop, pause)

    async def look(self) -> int:
        """Look once: whose key still opens, what is new, which leases are held. Answers how many events are new."""
        checks = {watcher.subscription.key_id: watcher.check for watcher in self.watchers.values()}
        due = self._timer.now() >= self._renew_at
        if due:
            self._renew_at = self._timer.now() + store.RENEWAL
        held = list(self.watchers) if due else []
        found: _Round = await self._run(_look, self._org_id, self.head, checks, held)
        for watcher in list(self.watchers.values()):
            if reason := found.ended.get(watcher.subscription.key_id):
                watcher.end(reason)
            elif watcher.subscription.id in found.lost:
                watcher.end("another stream took its place")
        self._add(found.entries)
        return len(found.entries)

    def _add(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        self._kept += entries
        if len(self._kept) > 2 * _KEPT:
            del self._kept[:-_KEPT]
        self.head = entries[-1].seq
        for watcher in self.watchers.values():
            watcher.wake.set()


def _look(org_id: str, head: int, checks: Mapping[str, Check], held: Sequence[str]) -> _Round:
    # Keys first: where they cannot be checked, nothing is read, and so nothing is shown.
    ended: dict[str, str] = {}
    for key_id, check in checks.items():
        try:
            check()
        except (Unauthenticated, Forbidden) as error:
            ended[key_id] = error.message
    return _Round(service.read(org_id, head, _LIMIT), ended, _renewed(org_id, held) if held else set())


def _renewed(org_id: str, held: Sequence[str]) -> set[str]:
    try:
        return service.renew(org_id, held)
    except Exception:  # noqa: BLE001 as when a lease is taken: the limiter fails open
        telemetry.metric("StreamLimiterDown")
        return set()


class Feeds:
    """The feeds of a process, each there as long as it is watched."""

    def __init__(self, run: Run, timer: Timer | None = None, pace: Pace | None = None) -> None:
        self._run, self._timer, self._pace = run, timer or Monotonic(), pace or Pace()
        self._feeds: dict[str, Feed] = {}

    def join(self, subscription: Subscription, check: Check) -> Watcher:
        """Watch the feed of the subscription's organisation."""
        feed = self._feeds.get(subscription.org_id)
        if feed is None:
            feed = Feed(subscription.org_id, subscription.head, self._run, self._timer, self._pace)
            self._feeds[subscription.org_id] = feed
            feed.start()
        watcher = feed.watchers[subscription.id] = Watcher(feed, subscription, check)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Watch no longer."""
        subscription = watcher.subscription
        feed = self._feeds[subscription.org_id]
        del feed.watchers[subscription.id]
        if not feed.watchers:
            feed.stop()
            del self._feeds[subscription.org_id]

    def end(self, reason: str) -> None:
        """End every stream."""
        for feed in self._feeds.values():
            for watcher in feed.watchers.values():
                watcher.end(reason)
