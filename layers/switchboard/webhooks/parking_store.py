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

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete
from switchboard.kit import clock
from switchboard.webhooks.delivery_store import DELIVERY_RETENTION
from switchboard.webhooks.models import Delivery
from switchboard.webhooks.receivers import WebhookReceiver, receiver_of

_BATCH = 100


@dataclass(frozen=True, slots=True)
class ParkedAttempt:
    """A waiting attempt. `place` is its sort key among the others (`Delivery.next_place`)."""

    org_id: str
    endpoint_id: str
    delivery_id: str
    attempt: int
    place: str

    @classmethod
    def of(cls, delivery: Delivery) -> ParkedAttempt:
        """The next attempt of a delivery."""
        return cls(delivery.org_id, delivery.endpoint_id, delivery.id, delivery.attempts + 1, delivery.next_place)


def _key(receiver: WebhookReceiver, place: str) -> Key:
    return {"pk": f"{receiver.org_id}#parked#{receiver.id}", "sk": place}


def _key_of(parked: ParkedAttempt) -> Key:
    return _key(receiver_of(parked.org_id, parked.endpoint_id), parked.place)


def put_attempts(attempts: Sequence[ParkedAttempt]) -> None:
    """Parks attempts."""
    expires = int((clock.now() + DELIVERY_RETENTION).timestamp())
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
    writes.put_items("activity", items)


def oldest_attempts(receiver: WebhookReceiver, limit: int) -> list[ParkedAttempt]:
    """The oldest parked attempts of a receiver, at most `limit`."""
    query = Query(table="activity", partition=_key(receiver, "")["pk"])
    return [
        ParkedAttempt(receiver.org_id, item["endpoint_id"], item["delivery_id"], item["attempt"], item["sk"])
        for item in query.read_page(limit).items
    ]


def missing_places(receiver: WebhookReceiver, places: Sequence[str]) -> list[str]:
    """Returns the places without a parked attempt."""
    found: list[Item | None] = []
    for start in range(0, len(places), _BATCH):
        found += reads.get_items("activity", [_key(receiver, place) for place in places[start : start + _BATCH]])
    return [place for place, item in zip(places, found, strict=True) if item is None]


def delete_attempt_writes(parked: ParkedAttempt) -> Delete:
    """The write that deletes a parked attempt, for the commit that records its result."""
    return Delete(table="activity", key=_key_of(parked))


def delete_attempts(attempts: Sequence[ParkedAttempt]) -> None:
    """Deletes parked attempts that need no further work."""
    if attempts:
        writes.delete_items("activity", [_key_of(one) for one in attempts])
