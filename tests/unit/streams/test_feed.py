"""One reader per organization for all watchers; keys and leases are checked during the stream."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from switchboard.access import keys as access
from switchboard.accounts import keys
from switchboard.aws.reads import Query
from switchboard.dialects.anima import stream
from switchboard.dialects.anima.dialect import KEYS
from switchboard.kit import clock
from switchboard.streams import feed as feeds_module
from switchboard.streams import service, store
from switchboard.streams.feed import Feeds, PollInterval, Watcher
from switchboard.streams.guard import KeyGuard
from tests.actors import Tenant, tenant
from tests.unit.streams.conftest import Clock, StandStill, record_events, run_inline


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def join_feed(feeds: Feeds, made: Tenant, *, master: bool = True, last_seen: int | None = None) -> Watcher:
    caller, address = made.caller(master=master), "203.0.113.7"
    guard = KeyGuard(caller.key.id, made.master_key if master else made.agent_key, KEYS, address)
    subscription = stream.watch_events(caller, guard, channel=None, agent_id=None, last_seen=last_seen, address=address)
    return feeds.join_feed(subscription)


async def list_seqs(watcher: Watcher) -> list[int]:
    """All waiting events of a watcher."""
    found: list[int] = []
    while entries := await watcher.read_next():
        found += [one.place for one in entries]
        watcher.after = found[-1]
    return found


def test_all_watchers_see_every_event_once_through_one_reader(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds = StandStill(time)
        watchers = [join_feed(feeds, acme) for _ in range(5)]
        record_events(acme, 7)
        with patch.object(Query, "read_page", autospec=True, side_effect=Query.read_page) as queries:
            await feeds.look(acme.org_id)
            # The page with the seven, and one that finds no more.
            assert queries.call_count == 2
            for watcher in watchers:
                assert watcher.wake.is_set()
                assert await list_seqs(watcher) == [1, 2, 3, 4, 5, 6, 7]
            assert queries.call_count == 2
            await feeds.look(acme.org_id)
            assert queries.call_count == 3, "a quiet look is one read"

    asyncio.run(scene())


def test_a_slow_watcher_reads_missed_events_by_seq(acme: Tenant, time: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "_ENTRIES_KEPT", 10)

    async def scene() -> None:
        feeds = StandStill(time)
        slow, quick = join_feed(feeds, acme), join_feed(feeds, acme)
        seen: list[int] = []
        for _ in range(12):
            record_events(acme, 5)
            await feeds.look(acme.org_id)
            seen += await list_seqs(quick)
        kept = feeds.feed(acme.org_id)._kept
        assert len(kept) <= 20, "the buffer is bounded even if a watcher is slow"
        assert slow.is_behind
        assert not quick.is_behind
        assert await list_seqs(slow) == seen == list(range(1, 61))

    asyncio.run(scene())


def test_a_resumed_watcher_reads_events_from_before_the_feed(acme: Tenant, time: Clock) -> None:
    record_events(acme, 150)

    async def scene() -> None:
        feeds = StandStill(time)
        late = join_feed(feeds, acme)
        resumed = join_feed(feeds, acme, last_seen=3)
        record_events(acme, 2)
        await feeds.look(acme.org_id)
        assert await list_seqs(late) == [151, 152]
        assert await list_seqs(resumed) == list(range(4, 153))

    asyncio.run(scene())


def test_a_later_watcher_begins_at_its_own_position(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds = StandStill(time)
        join_feed(feeds, acme)
        record_events(acme, 3)
        # The feed has not read yet, and the newcomer comes after these three.
        newcomer = join_feed(feeds, acme)
        record_events(acme, 1)
        await feeds.look(acme.org_id)
        assert await list_seqs(newcomer) == [4]

    asyncio.run(scene())


def test_a_revoked_key_ends_its_streams_and_no_others(acme: Tenant, time: Clock, frozen: clock.FrozenClock) -> None:
    async def scene() -> None:
        feeds = StandStill(time)
        mine, others = join_feed(feeds, acme, master=False), join_feed(feeds, acme)
        caller = acme.caller(master=True)
        keys.revoke_key(caller, acme.caller().key.id)
        record_events(acme, 1)
        await feeds.look(acme.org_id)
        assert mine.over is None, "the key is cached for a while"
        frozen.advance(seconds=16)
        await feeds.look(acme.org_id)
        assert mine.over == "The API key is revoked: use another key."
        assert others.over is None

    asyncio.run(scene())


def test_no_events_are_shown_while_keys_cannot_be_checked(
    acme: Tenant, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_events(acme, 3)

    async def scene() -> None:
        feeds = StandStill(time)
        watcher, behind = join_feed(feeds, acme), join_feed(feeds, acme, last_seen=0)
        record_events(acme, 1)

        def away() -> None:
            raise RuntimeError("the table is away")

        for one in (watcher, behind):
            monkeypatch.setattr(one.subscription.guard, "require_access", away)
        time.at += store.RENEWAL_SECONDS
        with (
            patch.object(service, "renew_streams", side_effect=service.renew_streams) as renewed,
            pytest.raises(RuntimeError),
        ):
            await feeds.look(acme.org_id)
        assert renewed.call_count == 1, "they stay open, and so hold their places"
        assert not await watcher.read_next()
        assert behind.is_behind
        assert not await behind.read_next(), "neither from memory nor from the table"
        assert (watcher.over, behind.over) == (None, None)
        for one in (watcher, behind):
            monkeypatch.delattr(one.subscription.guard, "require_access")
        await feeds.look(acme.org_id)
        assert await list_seqs(watcher) == [4]
        assert await list_seqs(behind) == [1, 2, 3, 4]

    asyncio.run(scene())


def test_a_short_outage_of_the_source_breaks_no_slow_stream(
    acme: Tenant, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_events(acme, 3)

    async def scene() -> None:
        feeds = StandStill(time)
        behind = join_feed(feeds, acme, last_seen=0)
        with monkeypatch.context() as patched:
            patched.setattr(Query, "read_page", lambda *_: 1 / 0)
            assert not await behind.read_next()
        assert await list_seqs(behind) == [1, 2, 3]

    asyncio.run(scene())


def test_leases_are_renewed_and_a_lost_one_ends_its_stream(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds = StandStill(time)
        replaced, expired, held = join_feed(feeds, acme), join_feed(feeds, acme), join_feed(feeds, acme)
        # One lost its organization's lease, as after a resume of its client, and one its place in the pool.
        store.release_lease(store.organization_item_id(acme.org_id), replaced.subscription.id)
        store.release_lease(expired.subscription.shard or "", expired.subscription.id)
        await feeds.look(acme.org_id)
        assert (replaced.over, expired.over) == (None, None), "the check is not due yet"
        time.at += store.RENEWAL_SECONDS
        await feeds.look(acme.org_id)
        assert replaced.over == expired.over == "another stream replaced this one"
        assert held.over is None

    asyncio.run(scene())


def test_a_key_that_is_restricted_to_addresses_keeps_its_stream(acme: Tenant, time: Clock) -> None:
    """The feed checks a key as the request did, from the same address."""

    async def scene() -> None:
        feeds = StandStill(time)
        watcher = join_feed(feeds, acme)
        caller = acme.caller(master=True)
        restricted = caller.key.restrictions.model_copy(update={"ip_allowlist": ["203.0.113.0/24"]})
        snapshot = replace(
            access.authenticate_key(acme.master_key, KEYS),
            key=caller.key.model_copy(update={"restrictions": restricted}),
        )
        with patch.object(access, "_read_cache", return_value=snapshot):
            await feeds.look(acme.org_id)
        assert watcher.over is None

    asyncio.run(scene())


def test_a_feed_polls_twice_a_second_then_less_often_and_survives_errors(
    acme: Tenant, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([True] * 3)
    looks = 0

    async def look(self: Any) -> int:
        nonlocal looks
        looks += 1
        if looks > 70 and next(faults, False):
            raise RuntimeError("the store is away")
        return 1 if looks == 5 else 0

    monkeypatch.setattr(feeds_module.Feed, "poll_once", look)

    async def scene() -> None:
        feeds = Feeds(run_inline, time, PollInterval())
        watcher = join_feed(feeds, acme)
        while looks < 80:
            await asyncio.sleep(0)
        feeds.leave_feed(watcher)
        assert not feeds._feeds

    asyncio.run(scene())
    assert set(time.waits[:60]) == {0.5}
    assert time.waits[68:74] == [0.7, 0.7, 1.4, 2.8, 5.6, 0.7]
    # An event needs about a second to enter the chain; the promise is two seconds.
    assert max(PollInterval().busy, PollInterval().idle) < 1


def test_the_last_watcher_to_leave_ends_the_feed(acme: Tenant, time: Clock) -> None:
    async def scene() -> None:
        feeds = StandStill(time)
        first, second = join_feed(feeds, acme), join_feed(feeds, acme)
        feeds.end_streams("restarting")
        assert first.over == second.over == "restarting"
        feeds.leave_feed(first)
        assert feeds.feed(acme.org_id).watchers
        feeds.leave_feed(second)
        with pytest.raises(KeyError):
            feeds.feed(acme.org_id)

    asyncio.run(scene())
