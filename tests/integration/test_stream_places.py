"""Places for live streams under concurrency: no race exceeds an organization's share or a pool."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.dialects.anima import stream
from switchboard.streams import pools, service, store
from switchboard.streams.models import StreamSubscription
from switchboard.streams.pools import StreamFunction
from tests.actors import Tenant, tenant
from tests.unit.streams.conftest import SessionGuard


@pytest.mark.usefixtures("engine_cloud")
def test_concurrent_streams_stay_within_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "POOL_PLACES", {StreamFunction.EVENTS: {PlanName.GROWTH: 9}})
    monkeypatch.setattr(pools, "_SHARD_PLACES", 3)
    tenants = [tenant(f"org-{place}", PlanName.GROWTH, open_streams=5) for place in range(3)]
    callers = {who.org_id: who.caller() for who in tenants}

    def subscribe(who: Tenant) -> StreamSubscription:
        return stream.watch_events(
            callers[who.org_id], SessionGuard(), channel=None, agent_id=None, last_seen=None, address="203.0.113.7"
        )

    with ThreadPoolExecutor(24) as threads:
        opened = list(threads.map(subscribe, tenants * 8))
    live = [one for one in opened if one.is_live]
    shards = pools.shards_of_plan(PlanName.GROWTH)
    own, places = [
        [set(store.running_leases(found)) for found in store.get_leases(ids)]
        for ids in ([store.organization_item_id(who.org_id) for who in tenants], [shard.id for shard in shards])
    ]
    assert max(Counter(one.org_id for one in live).values()) <= 5
    assert [len(held) <= shard.places for shard, held in zip(shards, places, strict=True)] == [True] * 3
    assert set().union(*places) == set().union(*own) == {one.id for one in live}, "no stream keeps half of a place"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(service.release_stream, live))
    assert not [held for held in store.get_leases([shard.id for shard in shards]) if held]
