"""Endpoints in the `core` table, deliveries in `activity`.

| item | table | pk | sk | gsi1 | gsi2 |
|---|---|---|---|---|---|
| subscription | core | `<org>#webhooks` | `<id>` | | |
| callback's endpoint | core | `<org>#callback#<id>` | `endpoint` | | |
| health | core | `<org>#webhook#<id>` | `health` | | |
| delivery | activity | `<org>#delivery#<id>` | `delivery` | `<org>#deliveries#<endpoint>`, `<when>#<id>` | `<org>#dead-letters`, the same, while it has failed |

An organisation has few subscriptions and reads them all at every event; callbacks are many, and each is looked for by
its own name. Health changes at every delivery, so that it has a partition of its own.
"""  # noqa: E501 a table's row is one line

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from switchboard.aws import table
from switchboard.aws.table import ConditionFailedError, Delete, Item, Key, Page, Put, Query, Update
from switchboard.webhooks.kinds import KINDS
from switchboard.webhooks.models import Attempt, Delivery, Endpoint, Health, Status

Refusal = Callable[[list[Item | None]], Exception]

#: How many batches may be sending to one endpoint at a time.
SLOTS = 10
_CALLBACK = f"{KINDS['opticomm'].prefix}_"
#: The attempts that a delivery remembers.
_REMEMBERED = 20


def endpoint_key(org_id: str, endpoint_id: str) -> Key:
    if endpoint_id.startswith(_CALLBACK):
        return {"pk": f"{org_id}#callback#{endpoint_id}", "sk": "endpoint"}
    return {"pk": f"{org_id}#webhooks", "sk": endpoint_id}


def health_key(org_id: str, endpoint_id: str) -> Key:
    return {"pk": f"{org_id}#webhook#{endpoint_id}", "sk": "health"}


def put_endpoint(endpoint: Endpoint) -> Put:
    return Put(
        table="core",
        item={**endpoint_key(endpoint.org_id, endpoint.id), **endpoint.model_dump()},
        unless_exists=True,
    )


def save_endpoint(endpoint: Endpoint, otherwise: Refusal) -> Put:
    """Write the next version of an endpoint, if it still follows the one that was read."""
    return Put(
        table="core",
        item={**endpoint_key(endpoint.org_id, endpoint.id), **endpoint.model_dump()},
        condition="version = :before",
        values={":before": endpoint.version - 1},
        otherwise=otherwise,
    )


def delete_endpoint(endpoint: Endpoint, otherwise: Refusal) -> Delete:
    return Delete(
        table="core",
        key=endpoint_key(endpoint.org_id, endpoint.id),
        condition="attribute_exists(pk)",
        otherwise=otherwise,
    )


def ensure(endpoint: Endpoint) -> Update:
    """Make an endpoint where there is none; one that is there becomes active again, and stays as it is otherwise."""
    fields = endpoint.model_dump(exclude={"active", "disabled_reason", "disabled_at", "updated_at"})
    return Update(
        table="core",
        key=endpoint_key(endpoint.org_id, endpoint.id),
        expression="SET #active = :active, #updated_at = :updated_at, "
        + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in fields)
        + " REMOVE disabled_reason, disabled_at",
        names={f"#{name}": name for name in (*fields, "active", "updated_at")},
        values={f":{name}": value for name, value in fields.items()}
        | {":active": True, ":updated_at": endpoint.updated_at},
    )


def read_endpoint(item: Item) -> Endpoint:
    return Endpoint.model_validate(item)


def get_endpoint(org_id: str, endpoint_id: str) -> Endpoint | None:
    item = table.get("core", endpoint_key(org_id, endpoint_id))
    return read_endpoint(item) if item else None


def subscriptions(org_id: str) -> list[Endpoint]:
    return [read_endpoint(item) for item in Query(table="core", partition=f"{org_id}#webhooks").all()]


def page(org_id: str, limit: int, start: Item | None) -> Page:
    return Query(table="core", partition=f"{org_id}#webhooks", forward=False).page(limit, start)


def health(org_id: str, endpoint_ids: Sequence[str]) -> list[Health]:
    if not endpoint_ids:
        return []
    found = table.get_many("core", [health_key(org_id, endpoint_id) for endpoint_id in endpoint_ids])
    return [read_health(item) for item in found]


def read_health(item: Item | None) -> Health:
    item = item or {}
    slots = {number: item[f"slot_{number}"] for number in range(SLOTS) if f"slot_{number}" in item}
    return Health.model_validate({**item, "slots": slots})


def with_health(places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[Endpoint | None, Health]]:
    """Endpoints and their health, by organisation and id, in one request."""
    keys = [key for place in places for key in (endpoint_key(*place), health_key(*place))]
    items = table.get_many("core", keys) if keys else []
    return {
        place: (read_endpoint(items[2 * n]) if items[2 * n] else None, read_health(items[2 * n + 1]))  # type: ignore[arg-type]
        for n, place in enumerate(places)
    }


class BusyError(Exception):
    """An endpoint takes no more for now: `health` tells whether its slots or its breaker say so."""

    def __init__(self, health: Health) -> None:
        super().__init__("busy")
        self.health = health


def take_slot(endpoint: Endpoint, number: int, now: str, until: str) -> None:
    """Take a slot of an endpoint whose breaker is closed. Raises BusyError."""
    change = Update(
        table="core",
        key=health_key(endpoint.org_id, endpoint.id),
        expression="SET #slot = :until",
        names={"#slot": f"slot_{number}"},
        values={":until": until, ":now": now},
        condition="(attribute_not_exists(#slot) OR #slot < :now)"
        " AND (attribute_not_exists(open_until) OR open_until <= :now)",
    )
    try:
        table.write(change)
    except ConditionFailedError as failed:
        raise BusyError(read_health(failed.item)) from None


def give_back(endpoint: Endpoint, number: int, until: str, changes: HealthChange) -> Health:
    """Note how an endpoint answered, and give its slot back if it is still ours."""
    name = f"slot_{number}"
    try:
        return read_health(table.write(_note(endpoint, changes, slot=name, until=until)))
    except ConditionFailedError:
        # We took longer than our lease, and somebody else sends in that slot.
        return read_health(table.write(_note(endpoint, changes)))


@dataclass(frozen=True, slots=True)
class HealthChange:
    """What a batch learnt of an endpoint. With `succeeded` it is well, whatever else failed."""

    now: str
    succeeded: bool
    failures: int
    down: int
    slow_until: str | None


def _note(endpoint: Endpoint, change: HealthChange, *, slot: str | None = None, until: str | None = None) -> Update:
    sets, adds, removes = ["last_delivery_at = :now"], "", ["#slot"] if slot else []
    values: dict[str, Any] = {":now": change.now}
    if change.succeeded:
        sets += ["last_success_at = :now", "failures = :none", "down = :none"]
        removes += ["failing_since", "open_until"]
        values[":none"] = 0
    elif change.failures:
        sets.append("failing_since = if_not_exists(failing_since, :now)")
        adds = " ADD failures :failures, down :down"
        values |= {":failures": change.failures, ":down": change.down}
    if change.slow_until:
        sets.append("slow_until = :slow")
        values[":slow"] = change.slow_until
    return Update(
        table="core",
        key=health_key(endpoint.org_id, endpoint.id),
        expression=f"SET {', '.join(sets)}{adds}" + (f" REMOVE {', '.join(removes)}" if removes else ""),
        names={"#slot": slot} if slot else {},
        values=values | ({":until": until} if slot else {}),
        condition="#slot = :until" if slot else None,
    )


def open_breaker(endpoint: Endpoint, until: str) -> None:
    table.write(
        Update(
            table="core",
            key=health_key(endpoint.org_id, endpoint.id),
            expression="SET open_until = :until",
            values={":until": until},
        )
    )


def forget_health(org_id: str, endpoint_id: str) -> Delete:
    return Delete(table="core", key=health_key(org_id, endpoint_id))


def delivery_key(org_id: str, delivery_id: str) -> Key:
    return {"pk": f"{org_id}#delivery#{delivery_id}", "sk": "delivery"}


def put_delivery(delivery: Delivery) -> Put:
    place = f"{delivery.created_at}#{delivery.id}"
    item = {**delivery_key(delivery.org_id, delivery.id), **delivery.model_dump(mode="json")}
    item |= {"gsi1pk": f"{delivery.org_id}#deliveries#{delivery.endpoint_id}", "gsi1sk": place}
    return Put(table="activity", item=item, unless_exists=True)


def read_delivery(item: Item) -> Delivery:
    return Delivery.model_validate(item)


def get_delivery(org_id: str, delivery_id: str) -> Delivery | None:
    item = table.get("activity", delivery_key(org_id, delivery_id))
    return read_delivery(item) if item else None


def get_deliveries(places: Sequence[tuple[str, str]]) -> list[Delivery | None]:
    items = table.get_many("activity", [delivery_key(*place) for place in places]) if places else []
    return [read_delivery(item) if item else None for item in items]


def deliveries(org_id: str, endpoint_id: str, status: str | None, limit: int, start: Item | None) -> Page:
    return Query(
        table="activity",
        index="gsi1",
        partition=f"{org_id}#deliveries#{endpoint_id}",
        forward=False,
        where="#status = :status" if status else None,
        names={"#status": "status"} if status else {},
        values={":status": status} if status else {},
    ).page(limit, start)


def dead_letters(
    org_id: str, endpoint_id: str | None, since: str | None, limit: int, start: Item | None, *, forward: bool = False
) -> Page:
    return Query(
        table="activity",
        index="gsi2",
        partition=f"{org_id}#dead-letters",
        between=(since, "~") if since else None,
        forward=forward,
        where="endpoint_id = :endpoint" if endpoint_id else None,
        values={":endpoint": endpoint_id} if endpoint_id else {},
    ).page(limit, start)


def attempted(delivery: Delivery, attempt: Attempt, status: Status, facts: dict[str, Any]) -> Update:
    """Record an attempt, if the delivery still waits for it."""
    log = [*delivery.log, attempt][-_REMEMBERED:]
    return _move(
        delivery,
        status,
        facts | {"attempts": attempt.number, "tries": delivery.tries + 1, "log": [one.model_dump() for one in log]},
        condition="#status = :pending AND attempts = :seen",
        seen={":seen": delivery.attempts, ":pending": Status.PENDING.value},
    )


def cancel(delivery: Delivery, error: str, now: str) -> Update:
    """Give a delivery up without an attempt, if it still waits."""
    return _move(
        delivery,
        Status.CANCELED,
        {"error": error, "completed_at": now, "next_attempt_at": None},
        condition="#status = :pending AND attempts = :seen",
        seen={":seen": delivery.attempts, ":pending": Status.PENDING.value},
    )


def again(delivery: Delivery, now: str, otherwise: Refusal) -> Update:
    """Set a delivery that is over off anew."""
    return _move(
        delivery,
        Status.PENDING,
        {"tries": 0, "next_attempt_at": now, "completed_at": None, "error": None, "follows": None},
        condition="#status = :before AND attempts = :seen",
        seen={":before": delivery.status.value, ":seen": delivery.attempts},
        otherwise=otherwise,
    )


def _move(
    delivery: Delivery,
    status: Status,
    facts: dict[str, Any],
    *,
    condition: str,
    seen: dict[str, Any],
    otherwise: Refusal | None = None,
) -> Update:
    assert delivery.can_become(status)
    fields = facts | {"status": status.value}
    removes = ""
    if status is Status.FAILED:
        place = f"{delivery.created_at}#{delivery.id}"
        fields |= {"gsi2pk": f"{delivery.org_id}#dead-letters", "gsi2sk": place}
    else:
        removes = " REMOVE gsi2pk, gsi2sk"
    return Update(
        table="activity",
        key=delivery_key(delivery.org_id, delivery.id),
        expression="SET " + ", ".join(f"#{name} = :{name}" for name in fields) + removes,
        names={f"#{name}": name for name in fields},
        values={f":{name}": value for name, value in fields.items()} | seen,
        condition=condition,
        otherwise=otherwise,
    )


def wait_for(first: Delivery, successor: Delivery) -> None:
    """Let a delivery wait for the one before it. Raises ConditionFailedError if that waits no longer itself."""
    table.write(
        Update(
            table="activity",
            key=delivery_key(first.org_id, first.id),
            expression="SET successor = :successor",
            names={"#status": "status"},
            values={":successor": successor.id, ":pending": Status.PENDING.value, ":tries": first.tries},
            condition="#status = :pending AND tries = :tries",
        )
    )
