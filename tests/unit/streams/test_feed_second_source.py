"""A second source and a second guard: a call's page in the console, made of doubles, through the real feed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from switchboard.edge.streaming import delivery
from switchboard.edge.streaming.delivery import StreamLimits
from switchboard.streams import feed as feeds_module
from switchboard.streams import service
from switchboard.streams.feed import Feeds, Watcher
from switchboard.streams.models import Selection
from tests.actors import Tenant, tenant
from tests.unit.streams.conftest import CallSource, Client, Clock, EventSource, SessionGuard, StandStill, run_inline

TERMS = StreamLimits(life=840, silence=15, stall=30)


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


class Page:
    """One open page with a running stream."""

    def __init__(self, feeds: Feeds, time: Clock, watcher: Watcher) -> None:
        self.watcher, self.client, self._feeds = watcher, Client(), feeds
        self._running = asyncio.create_task(delivery.send_events(watcher, self.client.write, TERMS, time))

    async def ended(self) -> str:
        async with asyncio.timeout(5):
            reason = await self._running
        self._feeds.leave_feed(self.watcher)
        return reason

    @property
    def said(self) -> list[str]:
        source = EventSource()
        source.connection(self.client.text.encode())
        assert not source.named
        return [message.get("text", message["type"]) for message in source.messages]


def open_page(
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
    return Page(feeds, time, feeds.join_feed(opened))


def play_scene(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def test_a_page_shows_past_turns_new_turns_and_the_end(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds, call = Feeds(run_inline, time), CallSource()
        call.say("agent", "Hello.")
        call.say("caller", "Who is it?")
        page = open_page(feeds, time, acme, call, SessionGuard())
        while len(page.said) < 2:
            await asyncio.sleep(0)
        call.say("agent", "Ada.")
        while len(page.said) < 3:
            await asyncio.sleep(0)
        call.say("caller", "Bye.")
        call.hang_up()
        assert await page.ended() == "the source has ended"
        assert page.said == ["Hello.", "Who is it?", "Ada.", "Bye.", "call.ended"]
        assert b"call.ended" in page.client.chunks[-1], "the last block comes from the source"
        assert not feeds._feeds

    play_scene(scene())


def test_a_page_of_an_ended_call_shows_all_of_it_and_closes(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds, call = Feeds(run_inline, time), CallSource()
        for place in range(250):
            call.say("caller", f"turn {place}")
        call.hang_up()
        whole = open_page(feeds, time, acme, call, SessionGuard("a"))
        resumed = open_page(feeds, time, acme, call, SessionGuard("b"), last_seen=3 * 248)
        filtered = open_page(feeds, time, acme, call, SessionGuard("c"), type="status")
        for page in (whole, resumed, filtered):
            assert await page.ended() == "the source has ended"
        assert whole.said == [*(f"turn {place}" for place in range(250)), "call.ended"]
        assert resumed.said == ["turn 248", "turn 249", "call.ended"]
        assert filtered.said == ["call.ended"], "everybody gets the end"

    play_scene(scene())


def test_a_slow_watcher_gets_all_turns_before_the_end(
    acme: Tenant, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds_module, "_ENTRIES_KEPT", 4)

    async def scene() -> None:
        feeds, call = StandStill(time), CallSource()
        page = open_page(feeds, time, acme, call, SessionGuard())
        feed = feeds._feeds[call.id]
        for place in range(30):
            call.say("caller", f"turn {place}")
            await feed.poll_once()
        call.hang_up()
        await feed.poll_once()
        assert page.watcher.last_block is None, "not before the turns"
        assert await page.ended() == "the source has ended"
        assert page.said == [*(f"turn {place}" for place in range(30)), "call.ended"]

    play_scene(scene())


def test_all_pages_of_a_call_are_served_by_one_reader(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds, call = StandStill(time), CallSource()
        # Another object for the same call.
        pages = [open_page(feeds, time, acme, call, SessionGuard(str(place))) for place in range(4)]
        pages.append(open_page(feeds, time, acme, CallSource(), SessionGuard("again")))
        assert len(feeds._feeds) == 1
        call.say("agent", "Hello.")
        before = len(call.reads)
        await feeds._feeds[call.id].poll_once()
        assert len(call.reads) == before + 1
        for page in pages:
            while not page.said:
                await asyncio.sleep(0)
        feeds.end_streams("restarting")
        for page in pages:
            assert await page.ended() == "restarting"

    play_scene(scene())


def test_a_session_that_ends_closes_its_own_pages_and_shows_nothing_more(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds, call = StandStill(time), CallSource()
        mine, others = SessionGuard("mine"), SessionGuard("others")
        first, second = (open_page(feeds, time, acme, call, guard) for guard in (mine, others))
        mine.is_over = True
        call.say("agent", "A secret.")
        await feeds._feeds[call.id].poll_once()
        assert await first.ended() == "The session has ended. Sign in again."
        assert first.client.text.endswith(": The session has ended. Sign in again.\n\n")
        assert first.said == []
        while not second.said:
            await asyncio.sleep(0)
        assert second.said == ["A secret."]
        feeds.end_streams("restarting")
        await second.ended()

    play_scene(scene())
