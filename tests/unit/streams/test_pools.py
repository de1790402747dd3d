"""Fairness: the streams of one plan or organization do not lock out another plan."""

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
from switchboard.streams.pools import (
    MAX_OPEN_STREAMS,
    POOL_PLACES,
    SPARE_ENVIRONMENTS,
    Shard,
    StreamFunction,
    StreamLease,
)
from tests.actors import Tenant, tenant
from tests.unit.streams.conftest import SessionGuard

#: Pools small enough to be filled. They promise more places than they have.
SMALL = {PlanName.FREE: 4, PlanName.STARTER: 4, PlanName.GROWTH: 4, PlanName.SCALE: 8, PlanName.ENTERPRISE: 12}


@pytest.fixture
def small_pools(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "POOL_PLACES", dict.fromkeys(StreamFunction, SMALL))
    monkeypatch.setattr(pools, "_SHARD_PLACES", 4)


def open_stream(who: Tenant, address: str = "203.0.113.7") -> StreamSubscription:
    return stream.watch_events(
        who.caller(), SessionGuard(), channel=None, agent_id=None, last_seen=None, address=address
    )


def count_taken(plan: PlanName) -> int:
    return sum(
        len(store.running_leases(found))
        for found in store.get_leases([shard.id for shard in pools.shards_of_plan(plan)])
    )


@pytest.mark.parametrize(
    ("name", "function"), [("streams", StreamFunction.EVENTS), ("hum/streams", StreamFunction.CALLS)]
)
def test_all_places_and_the_spare_fit_into_the_reserved_concurrency(name: str, function: StreamFunction) -> None:
    reserved = topology.function(name).reserved
    assert reserved == sum(POOL_PLACES[function].values()) + SPARE_ENVIRONMENTS[function], (
        f"change the topology's row of {name} with the pools, and 0001-streams.md"
    )


@pytest.mark.parametrize("plan", PlanName)
def test_a_pool_of_events_holds_its_plans_promise_and_a_quarter_for_others(plan: PlanName) -> None:
    assert plan in MAX_OPEN_STREAMS
    assert POOL_PLACES[StreamFunction.EVENTS][plan] * 3 // 4 >= MAX_OPEN_STREAMS[plan]


@pytest.mark.parametrize("function", StreamFunction)
@pytest.mark.parametrize("plan", PlanName)
def test_the_shards_of_a_pool_hold_all_its_places(function: StreamFunction, plan: PlanName) -> None:
    shards = pools.shards_of_plan(plan, function)
    assert sum(shard.places for shard in shards) == POOL_PLACES[function][plan]
    assert max(shard.places for shard in shards) <= 20, "a write of a shard's item stays small"
    assert len({shard.id for shard in shards}) == len(shards)


@pytest.mark.parametrize("seed", range(20))
def test_an_organization_without_a_stream_finds_a_place_until_a_pool_is_full(seed: int) -> None:
    chance = random.Random(seed)
    plan = chance.choice(list(PlanName))
    held: dict[Shard, list[StreamLease]] = {shard: [] for shard in pools.shards_of_plan(plan)}
    size = POOL_PLACES[StreamFunction.EVENTS][plan]
    for step in range(600):
        total = sum(map(len, held.values()))
        # One organization makes nine of ten requests; the others are new each time.
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


@pytest.mark.usefixtures("small_pools")
@pytest.mark.parametrize("seed", range(3))
def test_a_starter_organization_gets_a_live_stream_under_any_load_of_other_plans(seed: int) -> None:
    chance = random.Random(seed)
    others = [tenant(f"{plan}-{place}", plan) for plan in PlanName if plan != PlanName.STARTER for place in range(3)]
    for _ in range(120):
        open_stream(chance.choice(others))
    for plan in PlanName:
        assert count_taken(plan) <= SMALL[plan]
        assert plan == PlanName.STARTER or count_taken(plan) >= SMALL[plan] * 3 // 4
    assert not any(open_stream(other).is_live for other in others), "all of them want more"
    assert open_stream(tenant("small-shop", PlanName.STARTER)).is_live


@pytest.mark.usefixtures("small_pools")
def test_one_organization_does_not_fill_its_plans_pool() -> None:
    greedy, other = tenant("greedy", PlanName.SCALE), tenant("other", PlanName.SCALE)
    live = [one for one in (open_stream(greedy) for _ in range(12)) if one.is_live]
    assert len(live) == SMALL[PlanName.SCALE] * 3 // 4
    assert open_stream(greedy).full == "all live streams of the scale plan are in use"
    assert open_stream(other).is_live
    assert not open_stream(other).is_live, "its second stream has to wait"


@pytest.mark.usefixtures("small_pools")
def test_a_full_pool_costs_no_write(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(4):
        assert open_stream(tenant(f"free-{place}", PlanName.FREE)).is_live
    late = tenant("free-late", PlanName.FREE)
    late.caller()
    written: list[object] = []
    monkeypatch.setattr(store.writes, "write_item", written.append)
    assert not open_stream(late).is_live
    assert not written


@pytest.mark.usefixtures("small_pools")
def test_unreleased_places_expire(frozen: clock.FrozenClock) -> None:
    live = [open_stream(tenant(f"free-{place}", PlanName.FREE)) for place in range(4)]
    late = tenant("free-late", PlanName.FREE)
    frozen.advance(seconds=store.RENEWAL_SECONDS)
    assert service.renew_streams(live[1:]) == set()
    assert not open_stream(late).is_live
    frozen.advance(seconds=store.LEASE_SECONDS - store.RENEWAL_SECONDS)
    # The process of the first stream died. The others renewed their leases.
    newcomer = open_stream(late)
    assert newcomer.is_live
    assert count_taken(PlanName.FREE) == 4
    # If it had only been slow, it would end now.
    assert service.renew_streams([*live, newcomer]) == {live[0].id}


@pytest.mark.usefixtures("small_pools")
def test_a_client_that_loses_every_race_gets_a_short_response_and_holds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who = tenant("unlucky", PlanName.FREE)
    take = store.take_lease
    monkeypatch.setattr(store, "take_lease", lambda id_, *rest: not id_.startswith("stream-pool#") and take(id_, *rest))
    opened = open_stream(who)
    assert opened.full == "too many streams are being opened at the same time"
    (known,) = store.get_leases([store.organization_item_id(who.org_id)])
    assert not known
