"""The pools of places for live streams. No plan or organization can use the places of another plan.

On Lambda each live stream occupies one of the function's reserved environments. Each plan has its own pool. The last
quarter of a pool is only for organizations without a stream in it. A pool consists of shards. Each shard is one item
with a fixed number of places, so writes do not wait for each other, and no race can exceed the pool's size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import NamedTuple

from switchboard.accounts.plans import PlanName

#: The maximum number of open live streams of an organization, by plan.
MAX_OPEN_STREAMS = {
    PlanName.FREE: 5,
    PlanName.STARTER: 10,
    PlanName.GROWTH: 20,
    PlanName.SCALE: 50,
    PlanName.ENTERPRISE: 100,
}


class StreamFunction(StrEnum):
    """A function that streams. Each has its own pools, because each has its own reserved environments."""

    EVENTS = "events"
    CALLS = "calls"


#: The number of live streams of all organizations of a plan, by function. Three quarters of the places for events are
#: at least one organization's maximum. A person watches a call for some minutes only, so calls need fewer places.
POOL_PLACES = {
    StreamFunction.EVENTS: {
        PlanName.FREE: 20,
        PlanName.STARTER: 30,
        PlanName.GROWTH: 40,
        PlanName.SCALE: 70,
        PlanName.ENTERPRISE: 140,
    },
    StreamFunction.CALLS: {
        PlanName.FREE: 10,
        PlanName.STARTER: 10,
        PlanName.GROWTH: 20,
        PlanName.SCALE: 30,
        PlanName.ENTERPRISE: 50,
    },
}
#: Reserved environments besides the places, for requests that open a stream, end at once or are refused. Each takes a
#: few hundredths of a second, so 60 environments serve about 1,000 such requests per second.
SPARE_ENVIRONMENTS = {StreamFunction.EVENTS: 60, StreamFunction.CALLS: 30}

_SHARD_PLACES = 20


class StreamLease(NamedTuple):
    """A stream's claim to a place. Times are seconds since 1970."""

    until: int
    #: The client in an organization's item, the organization in a pool's item.
    owner: str
    since: int


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a pool: its item, and its number of places."""

    id: str
    places: int


def shards_of_plan(plan: PlanName, function: StreamFunction = StreamFunction.EVENTS) -> list[Shard]:
    """Returns the shards of a plan's pool."""
    places = POOL_PLACES[function][plan]
    count = ceil(places / _SHARD_PLACES)
    even, rest = divmod(places, count)
    prefix = "stream-pool" if function is StreamFunction.EVENTS else f"stream-pool#{function}"
    return [Shard(f"{prefix}#{plan}#{number}", even + (number < rest)) for number in range(count)]


def choose_shard(found: Mapping[Shard, Sequence[StreamLease]], org_id: str) -> Shard | None:
    """Returns the shard with the most free places, or `None` if the pool has no place for this organization.

    `found` holds the running leases of every shard.
    """
    leases = [lease for held in found.values() for lease in held]
    total = sum(shard.places for shard in found)
    is_first = all(lease.owner != org_id for lease in leases)
    if len(leases) >= (total if is_first else total * 3 // 4):
        return None
    best = max(found, key=lambda shard: shard.places - len(found[shard]))
    return best if len(found[best]) < best.places else None
