"""Fairness: no plan's streams, and no organization's, lock another plan's out."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from infra import topology
from switchboard.accounts.plans import PlanName
from switchboard.dialects.anima import stream
from switchboard.kit import clock
from switchboard.streams import pools, service, store
from switchboard.streams.models import StreamSubscription
from switchboard.streams.pools import MAX_OPEN_STREAMS, POOL_PLACES, SPARE_ENVIRONMENTS, Shard, StreamLease
from tests.actors import Tenant, tenant
from tests.unit.streams.conftest import SessionGuard

#: Pools small enough to be filled, with more places promised to each organization than are there.
SMALL = {PlanName.FREE: 4, PlanName.STARTER: 4, PlanName.GROWTH: 4, PlanName.SCALE: 8, PlanName.ENTERPRISE: 12}


@pytest.fixture
def small(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "POOL_PLACES", SMALL)
    monkeypatch.setattr(pools, "_SHARD_PLACES", 4)


def subscribe(who: Tenant, address: str = "203.0.113.7") -> StreamSubscription:
    return stream.watch_events(
        who.caller(), SessionGuard(), channel=None, agent_id=None, last_seen=None, address=address
    )


def taken(plan: PlanName) -> int:
    return sum(
        len(store.running_leases(found))
        for found in store.get_leases([shard.id for shard in pools.shards_of_plan(plan)])
    )


# --- the numbers ------------------------------------------------------------------------------------------------


def test_all_places_and_the_spare_fit_into_what_is_reserved() -> None:
    reserved = topology.function("streams").reserved
    assert reserved == sum(POOL_PLACES.values()) + SPARE_ENVIRONMENTS, (
        "change the topology's streams row with the pools, and 0001-streams.md"
    )


@pytest.mark.parametrize("plan", PlanName)
def test_a_pool_holds_what_its_plan_promises_and_a_quarter_for_others(plan: PlanName) -> None:
    assert plan in MAX_OPEN_STREAMS
    assert POOL_PLACES[plan] * 3 // 4 >= MAX_OPEN_STREAMS[plan]
    shards = pools.shards_of_plan(plan)
    assert sum(shard.places for shard in shards) == POOL_PLACES[plan]
    assert max(shard.places for shard in shards) <= 20, "a write of a shard's item stays small"
    assert len({shard.id for shard in shards}) == len(shards)


# --- the choice, for a million states ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_an_organization_without_a_stream_finds_a_place_until_a_pool_is_full(seed: int) -> None:
    chance = random.Random(seed)
    plan = chance.choice(list(PlanName))
    held: dict[Shard, list[StreamLease]] = {shard: [] for shard in pools.shards_of_plan(plan)}
    size = POOL_PLACES[plan]
    for step in range(600):
        total = sum(map(len, held.values()))
        # One organization asks nine times out of ten; the others are new each time.
        org = "greedy" if chance.random() < 0.9 else f"org_{step}"
        own = sum(lease.owner == org for leases in held.values() for lease in leases)
        shard = pools.choose_shard(held, org)
        if shard is None:
            assert total == size if not own else total >= size * 3 // 4
        else:
            assert len(held[shard]) < shard.places
            held[shard].append(StreamLease(0, org, 0))
            assert own == 0 or own < size * 3 // 4
        if chance.random() < 0.3:
            leases = chance.choice([leases for leases in held.values() if leases] or [[]])
            if leases:
                leases.pop(chance.randrange(len(leases)))
        assert all(len(leases) <= shard.places for shard, leases in held.items())
    greedy = Counter(lease.owner for leases in held.values() for lease in leases)["greedy"]
    assert greedy <= size * 3 // 4


# --- with the table ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("seed", range(3))
def test_whatever_other_plans_do_a_starter_organization_gets_a_live_stream(seed: int) -> None:
    chance = random.Random(seed)
    others = [tenant(f"{plan}-{place}", plan) for plan in PlanName if plan != PlanName.STARTER for place in range(3)]
    for _ in range(120):
        subscribe(chance.choice(others))
    for plan in PlanName:
        assert taken(plan) <= SMALL[plan]
        assert plan == PlanName.STARTER or taken(plan) >= SMALL[plan] * 3 // 4
    assert not any(subscribe(other).is_live for other in others), "all of them want more"
    assert subscribe(tenant("small-shop", PlanName.STARTER)).is_live


@pytest.mark.usefixtures("small")
def test_one_organization_does_not_fill_its_plans_pool() -> None:
    greedy, other = tenant("greedy", PlanName.SCALE), tenant("other", PlanName.SCALE)
    live = [one for one in (subscribe(greedy) for _ in range(12)) if one.is_live]
    assert len(live) == SMALL[PlanName.SCALE] * 3 // 4
    assert subscribe(greedy).full == "all live streams of the scale plan are in use"
    assert subscribe(other).is_live
    assert not subscribe(other).is_live, "its second has to wait"


@pytest.mark.usefixtures("small")
def test_a_full_pool_costs_no_write(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(4):
        assert subscribe(tenant(f"free-{place}", PlanName.FREE)).is_live
    late = tenant("free-late", PlanName.FREE)
    late.caller()
    written: list[object] = []
    monkeypatch.setattr(store.writes, "write_item", written.append)
    assert not subscribe(late).is_live
    assert not written


@pytest.mark.usefixtures("small")
def test_places_that_were_not_given_back_come_free(frozen: clock.FrozenClock) -> None:
    live = [subscribe(tenant(f"free-{place}", PlanName.FREE)) for place in range(4)]
    late = tenant("free-late", PlanName.FREE)
    frozen.advance(seconds=store.RENEWAL_SECONDS)
    assert service.renew_streams(live[1:]) == set()
    assert not subscribe(late).is_live
    frozen.advance(seconds=store.LEASE_SECONDS - store.RENEWAL_SECONDS)
    # The process of the first one died. Those of the others renewed theirs.
    newcomer = subscribe(late)
    assert newcomer.is_live
    assert taken(PlanName.FREE) == 4
    # And had it only been slow, it would end now.
    assert service.renew_streams([*live, newcomer]) == {live[0].id}


@pytest.mark.usefixtures("small")
def test_who_loses_every_race_gets_an_answer_that_ends_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    who = tenant("unlucky", PlanName.FREE)
    take = store.take_lease
    monkeypatch.setattr(store, "take_lease", lambda id_, *rest: not id_.startswith("stream-pool#") and take(id_, *rest))
    opened = subscribe(who)
    assert opened.full == "too many streams are being opened at the same time"
    (known,) = store.get_leases([store.organization_item_id(who.org_id)])
    assert not known
