"""Deliveries in the `activity` table.

| item | pk | sk | gsi1 | gsi2 | gsi3 | gsi4 |
|---|---|---|---|---|---|---|
| delivery | `<org>#delivery#<id>` | `delivery` | of an endpoint | of it, in a state | lost | by due time |

The first three indexes are lists (`persistence.listing`). The fourth has the pending deliveries of a receiver, by the
time at which their next attempt is due. The first attempt stores a delivery, so that a delivery that succeeds at once
costs one write. A delivery that has to wait is stored earlier. DynamoDB deletes a delivery thirty days after it is
over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionFailedError, Put, Update, commit
from switchboard.kit import clock
from switchboard.persistence.listing import Listing, ListPage, ListView, place_of
from switchboard.webhooks.models import Delivery, DeliveryStatus
from switchboard.webhooks.receivers import WebhookReceiver, receiver_of

Refusal = Callable[[list[Item | None]], Exception]

#: How long a completed delivery is kept, so that customers can read it and send it again.
DELIVERY_RETENTION = timedelta(days=30)
#: The lost deliveries of an organization, of all its endpoints.
_DEAD_LETTERS = "dead"
_LISTS = Listing(
    table="activity",
    name="deliveries",
    views=(
        ListView(("endpoint_id",), "gsi1"),
        ListView(("endpoint_id", "status"), "gsi2"),
        ListView((_DEAD_LETTERS,), "gsi3"),
    ),
)
#: Only the delivery that waits for this one writes these attributes.
_SUCCESSOR_FIELDS = frozenset({"successor"})


def delivery_key(org_id: str, delivery_id: str) -> Key:
    return {"pk": f"{org_id}#delivery#{delivery_id}", "sk": "delivery"}


def _item(delivery: Delivery) -> Item:
    item = {**delivery_key(delivery.org_id, delivery.id), **delivery.model_dump(mode="json", exclude_none=True)}
    values = {
        "endpoint_id": delivery.endpoint_id,
        "status": delivery.status.value,
        _DEAD_LETTERS: "yes" if delivery.is_lost else None,
    }
    item |= _LISTS.index_attributes(delivery.org_id, place_of(delivery.created_at, delivery.id), values)
    if delivery.status is DeliveryStatus.PENDING:
        item["gsi4pk"] = _due(receiver_of(delivery.org_id, delivery.endpoint_id))
        item["gsi4sk"] = f"{delivery.next_attempt_at or delivery.created_at}#{delivery.next_place}"
    if delivery.completed_at:
        item["expires"] = int((clock.parse(delivery.completed_at) + DELIVERY_RETENTION).timestamp())
    return item


def _due(receiver: WebhookReceiver) -> str:
    return f"{receiver.org_id}#due#{receiver.id}"


def parse_delivery(item: Item) -> Delivery:
    return Delivery.model_validate(item)


def put_delivery_writes(delivery: Delivery) -> Put:
    return Put(table="activity", item=_item(delivery), unless_exists=True)


def put_missing_deliveries(deliveries: Sequence[Delivery]) -> None:
    """Stores deliveries. A delivery that is stored already is not changed."""
    if len(deliveries) > 1:
        try:
            commit(*(put_delivery_writes(one) for one in deliveries))
        except ConditionFailedError:
            pass
        else:
            return
    for one in deliveries:
        with suppress(ConditionFailedError):
            writes.write_item(put_delivery_writes(one))


def save_delivery_writes(before: Delivery, after: Delivery, otherwise: Refusal | None = None) -> Update:
    """The write of a stored delivery's next version, if its status and attempts are still those of `before`."""
    assert before.can_become(after.status)
    old, new = _item(before), _item(after)
    sets = {name: value for name, value in new.items() if old.get(name) != value and name not in _SUCCESSOR_FIELDS}
    gone = [name for name in old if name not in new and name not in _SUCCESSOR_FIELDS]
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in sets)
    return Update(
        table="activity",
        key=delivery_key(before.org_id, before.id),
        expression=expression + (f" REMOVE {', '.join(f'#{name}' for name in gone)}" if gone else ""),
        names={f"#{name}": name for name in (*sets, *gone, "status", "attempts")},
        values={f":{name}": value for name, value in sets.items()}
        | {":was_status": before.status.value, ":was_attempts": before.attempts},
        condition="#status = :was_status AND #attempts = :was_attempts",
        otherwise=otherwise,
    )


def get_delivery(org_id: str, delivery_id: str) -> Delivery | None:
    item = reads.get_item("activity", delivery_key(org_id, delivery_id))
    return parse_delivery(item) if item else None


def get_deliveries(places: Sequence[tuple[str, str]]) -> list[Delivery | None]:
    """The deliveries of up to a hundred pairs of organization and id."""
    items = reads.get_items("activity", [delivery_key(*place) for place in places]) if places else []
    return [parse_delivery(item) if item else None for item in items]


def get_deliveries_by_keys(partitions: Sequence[str]) -> list[Delivery | None]:
    """The deliveries of up to a hundred entries of an index, by their partition keys."""
    items = reads.get_items("activity", [{"pk": one, "sk": "delivery"} for one in partitions]) if partitions else []
    return [parse_delivery(item) if item else None for item in items]


def list_deliveries(
    org_id: str,
    endpoint_id: str,
    status: DeliveryStatus | None,
    limit: int,
    after: str | None,
    event: str | None = None,
) -> ListPage:
    """A page of an endpoint's deliveries, all or of one status and of one event, newest first.

    No index has the event, so a page of one event's deliveries may be short.
    """
    wanted = {"endpoint_id": [endpoint_id]} | ({"status": [status.value]} if status else {})
    wanted |= {"event": [event]} if event else {}
    return _LISTS.read_page(org_id, wanted, limit, after)


def list_dead_letters(org_id: str, limit: int, after: str | None) -> ListPage:
    """A page of the organization's lost deliveries (`Delivery.is_lost`) to all endpoints, newest first."""
    return _LISTS.read_page(org_id, {_DEAD_LETTERS: ["yes"]}, limit, after)


def list_by_status(
    org_id: str,
    endpoint_id: str,
    status: DeliveryStatus,
    limit: int,
    start: Item | None,
    *,
    since: str = "0",
    until: str = "~",
) -> reads.QueryPage:
    """A worker's page of an endpoint's deliveries of one status, created between two times, oldest first."""
    partition = _LISTS.find_partition(org_id, {"endpoint_id": endpoint_id, "status": status.value})
    return Query(
        table="activity", index=partition.index, partition=partition.name, between=(since, f"{until}~")
    ).read_page(limit, start)


def list_due_before(receiver: WebhookReceiver, moment: str, limit: int, start: Item | None) -> reads.QueryPage:
    """A page of a receiver's pending deliveries whose next attempt was due before a time, oldest first.

    Returns entries of the index: keys only, with the place of the attempt (`place_in`).
    """
    query = Query(table="activity", index="gsi4", partition=_due(receiver), before=moment)
    return query.read_keys(limit, start)


def place_in(entry: Item) -> str:
    """The place (`Delivery.next_place`) of the attempt in an entry of `list_due_before`."""
    return str(entry["gsi4sk"]).partition("#")[2]


def has_pending(receiver: WebhookReceiver) -> bool:
    """Whether any delivery to a receiver is pending, according to the index, which is eventually consistent."""
    return bool(Query(table="activity", index="gsi4", partition=_due(receiver)).read_keys(1).items)


def wait_for(first: Delivery, successor: Delivery) -> None:
    """Makes the delivery `successor` wait for `first`.

    Raises ConditionFailedError if `first` is over or was attempted since it was read.
    """
    values: dict[str, Any] = {
        ":successor": successor.id,
        ":pending": DeliveryStatus.PENDING.value,
        ":tries": first.tries,
    }
    writes.write_item(
        Update(
            table="activity",
            key=delivery_key(first.org_id, first.id),
            expression="SET successor = :successor",
            names={"#status": "status"},
            values=values,
            condition="#status = :pending AND tries = :tries",
        )
    )
