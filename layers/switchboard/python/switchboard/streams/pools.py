"""How the places for live streams are divided, so that no plan and no organization can take another plan's.

Behind Lambda each live stream occupies one of the function's reserved environments. Each plan has a pool of its own.
The last quarter of a pool goes only to organizations that have no stream in it. A pool is kept in shards, each an item
with a fixed number of places, so no write waits for all the others and no race makes a pool larger than it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from switchboard.accounts.plans import PlanName

#: Live streams that one organization may have open, by plan.
OPEN_STREAMS = {
    PlanName.FREE: 5,
    PlanName.STARTER: 10,
    PlanName.GROWTH: 20,
    PlanName.SCALE: 50,
    PlanName.ENTERPRISE: 100,
}
#: Live streams of all organizations of a plan. Three quarters hold what the plan promises to one organization.
PLACES = {
    PlanName.FREE: 20,
    PlanName.STARTER: 30,
    PlanName.GROWTH: 40,
    PlanName.SCALE: 70,
    PlanName.ENTERPRISE: 140,
}
#: Environments that must be reserved beside the places: for opening a stream, for answers that end at once and for
#: refusals. Each takes some hundredths of a second, so sixty serve about a thousand such requests a second.
SPARE = 60

_SHARD_PLACES = 20


class Lease(NamedTuple):
    """A stream's claim to a place until a moment. Moments are seconds since 1970."""

    until: int
    #: Who holds it: in an organization's item the client, in a pool's the organization.
    owner: str
    since: int


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a pool: its item, and how many places it has."""

    id: str
    places: int


def shards(plan: PlanName) -> list[Shard]:
    """The shards of a plan's pool."""
    count = ceil(PLACES[plan] / _SHARD_PLACES)
    even, rest = divmod(PLACES[plan], count)
    return [Shard(f"stream-pool#{plan}#{number}", even + (number < rest)) for number in range(count)]


def choose(found: Mapping[Shard, Sequence[Lease]], org_id: str) -> Shard | None:
    """The shard with most free places, or None where the pool has none for this organization.

    `found` has the leases of every shard that still run.
    """
    leases = [lease for held in found.values() for lease in held]
    total = sum(shard.places for shard in found)
    is_first = all(lease.owner != org_id for lease in leases)
    if len(leases) >= (total if is_first else total * 3 // 4):
        return None
    best = max(found, key=lambda shard: shard.places - len(found[shard]))
    return best if len(found[best]) < best.places else None
