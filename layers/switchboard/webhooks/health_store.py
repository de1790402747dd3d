"""The health of receivers in the `core` table: their recent results, leases of slots, and arranged jobs.

| item | pk | sk |
|---|---|---|
| health of an endpoint | `<org>#webhook#<id>` | `health` |
| health of a key's callbacks to a host | `<org>#webhook#<the ids' first part>` | `health` |

Health changes often while a receiver fails, so it has a partition of its own. It expires with the last delivery.
Slots and the turn are leases: each stores the time at which it expires.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.writes import ConditionFailedError, Delete, Update
from switchboard.kit import clock, ids
from switchboard.webhooks import store
from switchboard.webhooks.delivery_store import DELIVERY_RETENTION
from switchboard.webhooks.models import Endpoint, ReceiverHealth
from switchboard.webhooks.receivers import WebhookReceiver, receiver_of

#: How many batches may send to one receiver at a time.
MAX_SLOTS = 10
#: The attribute with the time of an arranged job: a wake-up or a watch.
ArrangedJob = Literal["wake_at", "watch_at"]
#: The attributes about an endpoint's results. Leases, `slow_until` and arranged jobs do not belong to them.
_RECORD = (
    *("failures", "down", "failing_since", "failing_id", "several_since"),
    *("open_until", "wary_until", "last_success_at", "quick_at"),
)


def health_key(receiver: WebhookReceiver) -> Key:
    return {"pk": f"{receiver.org_id}#webhook#{receiver.id}", "sk": "health"}


def parse_health(item: Item | None) -> ReceiverHealth:
    item = item or {}
    slots = {number: item[f"slot_{number}"] for number in range(MAX_SLOTS) if f"slot_{number}" in item}
    return ReceiverHealth.model_validate({**item, "slots": slots})


def get_health(receiver: WebhookReceiver) -> ReceiverHealth:
    return parse_health(reads.get_item("core", health_key(receiver)))


def get_many_healths(receivers: Sequence[WebhookReceiver]) -> list[ReceiverHealth]:
    """The health of up to a hundred receivers, in their order."""
    return (
        [parse_health(item) for item in reads.get_items("core", [health_key(one) for one in receivers])]
        if receivers
        else []
    )


def get_endpoint_with_health(org_id: str, endpoint_id: str) -> tuple[Endpoint | None, ReceiverHealth]:
    """An endpoint and its health, in one request."""
    places = [store.endpoint_key(org_id, endpoint_id), health_key(receiver_of(org_id, endpoint_id))]
    item, found = reads.get_items("core", places)
    return (store.ENDPOINTS.from_item(item) if item else None), parse_health(found)


# Leases: they decide which worker may send.


class BusyError(Exception):
    """A receiver is busy. `health` shows the reason: its slots, its turn or its breaker."""

    def __init__(self, health: ReceiverHealth) -> None:
        super().__init__("busy")
        self.health = health


@dataclass(frozen=True, slots=True)
class SlotLease:
    """Slots of a receiver that a worker holds until a time. With `turn`, only this worker sends parked attempts."""

    numbers: tuple[int, ...]
    until: str
    turn: bool = False

    @property
    def names(self) -> list[str]:
        """The attributes that store the lease."""
        return [*(["turn_until"] if self.turn else []), *(f"slot_{number}" for number in self.numbers)]


def _free(names: Collection[str]) -> str:
    return " AND ".join(f"(attribute_not_exists({name}) OR {name} < :now)" for name in names)


def take_lease(receiver: WebhookReceiver, lease: SlotLease, now: str) -> ReceiverHealth:
    """Takes slots of a receiver whose breaker is closed, and the turn if the lease includes it. Raises BusyError."""
    change = _health_write(
        receiver,
        [f"{name} = :until" for name in lease.names],
        {":until": lease.until, ":now": now},
        condition=f"{_free(lease.names)} AND (attribute_not_exists(open_until) OR open_until <= :now)",
    )
    try:
        return parse_health(writes.write_item(change))
    except ConditionFailedError as failed:
        raise BusyError(parse_health(failed.item)) from None


# Results of attempts.


@dataclass(frozen=True, slots=True)
class HealthChange:
    """The results of a batch at a receiver. With `succeeded` the receiver is healthy, even if other attempts failed.

    `anew`: the previous failures are too old to belong to the same outage. `failing_id`: a delivery that failed.
    `several`: other deliveries failed too since the outage began.
    """

    now: str
    succeeded: bool
    failures: int
    down: int
    anew: bool
    slow_until: str | None
    quick: bool = False
    failing_id: str | None = None
    several: bool = False


def record_results(receiver: WebhookReceiver, change: HealthChange) -> ReceiverHealth:
    """Records the results of a batch at a receiver."""
    return parse_health(writes.write_item(_results_write(receiver, change)))


def release_lease(receiver: WebhookReceiver, lease: SlotLease, change: HealthChange) -> ReceiverHealth:
    """Records the results of a batch at a receiver, and releases the lease if this worker still holds it."""
    try:
        return parse_health(writes.write_item(_results_write(receiver, change, removes=lease.names, held=lease)))
    except ConditionFailedError:
        # The lease expired, and another worker uses the slot.
        return record_results(receiver, change)


def extend_lease(
    receiver: WebhookReceiver, lease: SlotLease, after: SlotLease, change: HealthChange
) -> ReceiverHealth | None:
    """Records the results of a batch at a receiver, and extends the lease, with the further slots of `after`.

    Returns `None` and records nothing if the lease has ended or another worker took one of the further slots.
    """
    more = [name for name in after.names if name not in lease.names]
    sets = dict.fromkeys(after.names, after.until)
    try:
        return parse_health(writes.write_item(_results_write(receiver, change, sets=sets, held=lease, free=more)))
    except ConditionFailedError:
        return None


def _results_write(
    receiver: WebhookReceiver,
    change: HealthChange,
    *,
    sets: Mapping[str, str] | None = None,
    removes: Sequence[str] = (),
    held: SlotLease | None = None,
    free: Sequence[str] = (),
) -> Update:
    # A worker that only held a lease, or only canceled parked deliveries, has sent nothing.
    sent = bool(change.succeeded or change.failures or change.slow_until or change.quick)
    updates, adds = ["last_delivery_at = :now"] if sent else [], ""
    removed = list(removes)
    values: dict[str, Any] = {":now": change.now} if sent or free else {}
    if change.succeeded:
        updates += ["last_success_at = :now", "failures = :none", "down = :none"]
        removed += ["failing_since", "failed_at", "failing_id", "several_since", "open_until"]
        values[":none"] = 0
    elif change.failures:
        began = {"failing_since": ":now", "failing_id": ":failed"} | (
            {"several_since": ":now"} if change.several else {}
        )
        for name, value in began.items():
            updates.append(f"{name} = {value}" if change.anew else f"{name} = if_not_exists({name}, {value})")
        updates.append("failed_at = :now")
        if change.anew and not change.several:
            removed.append("several_since")
        adds = " ADD failures :failures, down :down"
        values |= {":failures": change.failures, ":down": change.down, ":failed": change.failing_id}
    if change.slow_until:
        updates.append("slow_until = :slow")
        values[":slow"] = change.slow_until
        removed.append("quick_at")
    elif change.quick:
        updates.append("quick_at = :now")
    for number, (name, until) in enumerate((sets or {}).items()):
        updates.append(f"{name} = :set{number}")
        values[f":set{number}"] = until
    conditions = [f"{held.names[0]} = :held"] if held else []
    if held:
        values[":held"] = held.until
    return _health_write(
        receiver,
        updates,
        values,
        more=adds + (f" REMOVE {', '.join(removed)}" if removed else ""),
        condition=" AND ".join([*conditions, *([_free(free)] if free else [])]) or None,
    )


def open_breaker(receiver: WebhookReceiver, until: str) -> ReceiverHealth:
    return parse_health(writes.write_item(_health_write(receiver, ["open_until = :until"], {":until": until})))


def require_slots_until(receiver: WebhookReceiver, until: str) -> None:
    """Requires batches to take slots of a healthy receiver until a time."""
    writes.write_item(_health_write(receiver, ["wary_until = :until"], {":until": until}))


# Jobs that are arranged for parked and overdue deliveries.


def mark_waiting(receiver: WebhookReceiver) -> ReceiverHealth:
    """Records that deliveries were parked. Returns the health after this write."""
    return parse_health(writes.write_item(_health_write(receiver, ["waiting = :mark"], {":mark": ids.new_id("mrk")})))


def clear_waiting(receiver: WebhookReceiver, mark: str) -> bool:
    """Records that nothing is parked. Returns False if a delivery was parked after `mark` was read."""
    return _taken_back(receiver, "waiting", mark)


def arrange_job_writes(
    receiver: WebhookReceiver, name: ArrangedJob, before: str | None, at: str, timer: str | None
) -> Update:
    """The write that stores the time `at` of a job, for the commit that arranges the job.

    `timer` names the timer of a watch, so that the removal of the endpoint can delete it (`timers.cancel_writes`).
    `before` is the time that `at` replaces. Raises ConditionFailedError at commit if another time is stored.
    """
    named = {":timer": timer} if timer and name == "watch_at" else {}
    return _health_write(
        receiver,
        [f"{name} = :at", *(["watch_timer = :timer"] if named else [])],
        {":at": at} | named | ({":before": before} if before else {}),
        condition=f"{name} = :before" if before else f"attribute_not_exists({name})",
    )


def clear_arranged_job(receiver: WebhookReceiver, name: ArrangedJob, at: str) -> bool:
    """Records that the job arranged for `at` is done. Returns False if another job is arranged."""
    return _taken_back(receiver, name, at)


def _taken_back(receiver: WebhookReceiver, name: str, value: str) -> bool:
    change = _health_write(receiver, [], {":value": value}, more=f" REMOVE {name}", condition=f"{name} = :value")
    try:
        writes.write_item(change)
    except ConditionFailedError:
        return False
    return True


def _health_write(
    receiver: WebhookReceiver, sets: list[str], values: dict[str, Any], *, more: str = "", condition: str | None = None
) -> Update:
    """The write of a receiver's health. It is kept as long as a delivery that is completed now."""
    return Update(
        table="core",
        key=health_key(receiver),
        expression=f"SET {', '.join([*sets, 'expires = :expires'])}{more}",
        values=values | {":expires": int((clock.now() + DELIVERY_RETENTION).timestamp())},
        condition=condition,
    )


def reset_results_writes(receiver: WebhookReceiver) -> Update:
    """The write that resets an endpoint's results, as if it were new. Its leased slots and `slow_until` stay."""
    return Update(
        table="core",
        key=health_key(receiver),
        expression=f"SET expires = :expires REMOVE {', '.join(_RECORD)}",
        values={":expires": int((clock.now() + DELIVERY_RETENTION).timestamp())},
    )


def without_results(health: ReceiverHealth) -> ReceiverHealth:
    """Returns an endpoint's health as `reset_results_writes` leaves it."""
    return ReceiverHealth.model_validate(health.model_dump(exclude=set(_RECORD)))


def delete_health_writes(receiver: WebhookReceiver) -> Delete:
    return Delete(table="core", key=health_key(receiver))
