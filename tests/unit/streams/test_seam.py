"""A second source behind a second guard: a call's page in the console, made of doubles, through the real feed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from functions.streams import delivery
from functions.streams.delivery import StreamLimits
from switchboard.streams import feed as feeds_module
from switchboard.streams import service
from switchboard.streams.feed import Feeds, Watcher
from switchboard.streams.models import Selection
from tests.actors import Tenant, tenant
from tests.unit.streams.conftest import CallSource, Client, Clock, EventSource, SessionGuard, StandStill, inline

TERMS = StreamLimits(life=840, silence=15, stall=30)


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


class Page:
    """One open page: its stream runs until it is over."""

    def __init__(self, feeds: Feeds, time: Clock, watcher: Watcher) -> None:
        self.watcher, self.client, self._feeds = watcher, Client(), feeds
        self._running = asyncio.create_task(delivery.send_events(watcher, self.client.write, TERMS, time))

    async def ended(self) -> str:
        async with asyncio.timeout(5):
            reason = await self._running
        self._feeds.leave(self.watcher)
        return reason

    @property
    def said(self) -> list[str]:
        source = EventSource()
        source.connection(self.client.text.encode())
        assert not source.named
        return [message.get("text", message["type"]) for message in source.messages]


def watch(
    feeds: Feeds,
    time: Clock,
    acme: Tenant,
    call: CallSource,
    guard: SessionGuard,
    *,
    last_seen: int | None = None,
    **wanted: str,
) -> Page:
    opened = service.open_stream(
        acme.caller().organization, call, guard, Selection(**wanted), last_seen=last_seen, client=guard.id
    )
    assert opened.is_live
    return Page(feeds, time, feeds.join(opened))


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def test_a_page_shows_the_call_so_far_then_each_turn_then_its_end_and_closes(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds, call = Feeds(inline, time), CallSource()
        call.say("agent", "Hello.")
        call.say("caller", "Who is it?")
        page = watch(feeds, time, acme, call, SessionGuard())
        while len(page.said) < 2:
            await asyncio.sleep(0)
        call.say("agent", "Ada.")
        while len(page.said) < 3:
            await asyncio.sleep(0)
        call.say("caller", "Bye.")
        call.hang_up()
        assert await page.ended() == "the source has ended"
        assert page.said == ["Hello.", "Who is it?", "Ada.", "Bye.", "call.ended"]
        assert b"call.ended" in page.client.chunks[-1], "the last block is the source's own"
        assert not feeds._feeds

    play(scene())


def test_a_page_opened_on_a_call_that_has_ended_shows_it_whole_and_closes(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds, call = Feeds(inline, time), CallSource()
        for place in range(250):
            call.say("caller", f"turn {place}")
        call.hang_up()
        whole = watch(feeds, time, acme, call, SessionGuard("a"))
        resumed = watch(feeds, time, acme, call, SessionGuard("b"), last_seen=3 * 248)
        filtered = watch(feeds, time, acme, call, SessionGuard("c"), type="status")
        for page in (whole, resumed, filtered):
            assert await page.ended() == "the source has ended"
        assert whole.said == [*(f"turn {place}" for place in range(250)), "call.ended"]
        assert resumed.said == ["turn 248", "turn 249", "call.ended"]
        assert filtered.said == ["call.ended"], "the end is for everybody"

    play(scene())


def test_a_watcher_that_fell_behind_gets_all_turns_before_the_end(
    acme: Tenant, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds_module, "_ENTRIES_KEPT", 4)

    async def scene() -> None:
        feeds, call = StandStill(time), CallSource()
        page = watch(feeds, time, acme, call, SessionGuard())
        feed = feeds._feeds[call.id]
        for place in range(30):
            call.say("caller", f"turn {place}")
            await feed.look()
        call.hang_up()
        await feed.look()
        assert page.watcher.last_block is None, "not before the turns"
        assert await page.ended() == "the source has ended"
        assert page.said == [*(f"turn {place}" for place in range(30)), "call.ended"]

    play(scene())


def test_all_pages_of_a_call_are_served_by_one_reader(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds, call = StandStill(time), CallSource()
        # Another object that names the same call.
        pages = [watch(feeds, time, acme, call, SessionGuard(str(place))) for place in range(4)]
        pages.append(watch(feeds, time, acme, CallSource(), SessionGuard("again")))
        assert len(feeds._feeds) == 1
        call.say("agent", "Hello.")
        before = len(call.reads)
        await feeds._feeds[call.id].look()
        assert len(call.reads) == before + 1
        for page in pages:
            while not page.said:
                await asyncio.sleep(0)
        feeds.end("restarting")
        for page in pages:
            assert await page.ended() == "restarting"

    play(scene())


def test_a_session_that_ends_closes_its_own_pages_and_shows_nothing_more(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds, call = StandStill(time), CallSource()
        mine, others = SessionGuard("mine"), SessionGuard("others")
        first, second = (watch(feeds, time, acme, call, guard) for guard in (mine, others))
        mine.is_over = True
        call.say("agent", "A secret.")
        await feeds._feeds[call.id].look()
        assert await first.ended() == "The session has ended. Sign in again."
        assert first.client.text.endswith(": The session has ended. Sign in again.\n\n")
        assert first.said == []
        while not second.said:
            await asyncio.sleep(0)
        assert second.said == ["A secret."]
        feeds.end("restarting")
        await second.ended()

    play(scene())
