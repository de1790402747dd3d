"""Attempts that wait for their receiver, in the `activity` table.

| item | pk | sk |
|---|---|---|
| parked attempt | `<org>#parked#<receiver>` | `<the delivery's moment>#<its id>#<attempt>` |

They are items instead of index entries, so that workers can read them consistently. One worker parks an attempt and
then looks for a free slot; another releases a slot and then looks for parked attempts. With consistent reads, at least
one of both finds the attempt. An item is small: the body stays in the delivery. Parking is idempotent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from switchboard.aws import clock, table
from switchboard.aws.table import Delete, Item, Key, Query
from switchboard.webhooks.delivery_store import KEPT
from switchboard.webhooks.models import Delivery
from switchboard.webhooks.receivers import Receiver, receiver_of

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Parked:
    """A waiting attempt. `place` is its sort key among the others (`Delivery.place`)."""

    org_id: str
    endpoint_id: str
    delivery_id: str
    attempt: int
    place: str

    @classmethod
    def of(cls, delivery: Delivery) -> Parked:
        """The next attempt of a delivery."""
        return cls(delivery.org_id, delivery.endpoint_id, delivery.id, delivery.attempts + 1, delivery.place)


def _key(receiver: Receiver, place: str) -> Key:
    return {"pk": f"{receiver.org_id}#parked#{receiver.id}", "sk": place}


def _key_of(parked: Parked) -> Key:
    return _key(receiver_of(parked.org_id, parked.endpoint_id), parked.place)


def put(attempts: Sequence[Parked]) -> None:
    """Park attempts."""
    expires = int((clock.now() + KEPT).timestamp())
    items: list[Item] = [
        {
            **_key_of(one),
            "endpoint_id": one.endpoint_id,
            "delivery_id": one.delivery_id,
            "attempt": one.attempt,
            "expires": expires,
        }
        for one in attempts
    ]
    table.put_many("activity", items)


def first(receiver: Receiver, limit: int) -> list[Parked]:
    """The oldest parked attempts of a receiver, at most `limit`."""
    query = Query(table="activity", partition=_key(receiver, "")["pk"])
    return [
        Parked(receiver.org_id, item["endpoint_id"], item["delivery_id"], item["attempt"], item["sk"])
        for item in query.page(limit).items
    ]


def missing(receiver: Receiver, places: Sequence[str]) -> list[str]:
    """Returns the places without a parked attempt."""
    found: list[Item | None] = []
    for start in range(0, len(places), _BATCH):
        found += table.get_many("activity", [_key(receiver, place) for place in places[start : start + _BATCH]])
    return [place for place, item in zip(places, found, strict=True) if item is None]


def delete(parked: Parked) -> Delete:
    """The write that deletes a parked attempt, for the commit that records its result."""
    return Delete(table="activity", key=_key_of(parked))


def delete_many(attempts: Sequence[Parked]) -> None:
    """Delete parked attempts that need no further work."""
    if attempts:
        table.delete_many("activity", [_key_of(one) for one in attempts])
