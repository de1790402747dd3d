"""Parking: what finds no slot waits in the table, and one job a receiver wakes it.

An attempt is parked before anything else is looked at. Then the receiver is marked, which returns its health as it is
after that, and a wake-up is arranged where none is. So nothing waits without a wake-up that comes later, whoever is
stopped between two of these steps: the attempt's own message comes again, or the wake-up finds what is parked. Who
holds slots sends what is parked when it gives them back (`pulling`); the wake-up is for holders that were stopped, and
for a breaker that nobody waits at.

A watch looks once an hour for pending deliveries whose attempt is long overdue, since their job was lost, and parks
them. It arranges the next watch and a wake-up before it looks, so that neither is lost with it, and lets a job of its
own go on where there are many. Jobs by the outbox and timers are at moments of the receiver's own, not one for each
delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from switchboard import telemetry
from switchboard.aws import clock, queue, table
from switchboard.aws.table import ConditionFailedError, Item, commit
from switchboard.kit.jobs import Job
from switchboard.timers import service as timers
from switchboard.webhooks import breaker, delivery_store, health_store, parking_store, schedule
from switchboard.webhooks.health_store import Arranged
from switchboard.webhooks.jobs import WakeReceiver, WatchReceiver
from switchboard.webhooks.models import Delivery, Health, Status
from switchboard.webhooks.parking_store import Parked
from switchboard.webhooks.receivers import Receiver, receiver_of

#: How often a watch looks, while anything is pending. Longer than the outbox' 15 minutes: it waits in the table.
WATCH_EVERY = schedule.PATIENCE
#: A job this close may be running already, by a clock that is ahead of ours: it is not relied on.
_CLOCKS = timedelta(seconds=5)
#: A watch this close may look before the index knows of what was just stored.
_INDEX = timedelta(minutes=5)
#: How much later than it could be a wake-up may be: it is brought forward otherwise.
_LATE = timedelta(minutes=1)
#: The longest lease of one that takes the turn in a moment: the longest wait for an answer, and what is around it.
_LONGEST_LEASE = timedelta(minutes=1) + breaker.LEASE_MARGIN + timedelta(seconds=1)
#: The furthest wake-up: so far the outbox reaches, to the second.
_BY_THE_OUTBOX = timedelta(seconds=queue.MAX_DELAY)
#: How many entries of the index a watch reads at once, and how many times. A job of its own goes on with the rest.
_AT_ONCE, _PAGES = 100, 10


def park(endpoint_id: str, attempts: Iterable[Parked], unstored: Iterable[Delivery] = ()) -> Health:
    """Let attempts for one receiver wait for it. Returns its health as it is after that."""
    waiting = list(attempts)
    receiver = receiver_of(waiting[0].org_id, endpoint_id)
    delivery_store.put_missing(list(unstored))
    parking_store.put(waiting)
    health = health_store.mark_waiting(receiver)
    watch(receiver, endpoint_id, health)
    telemetry.metric("WebhookParked", len(waiting))
    return wake_later(receiver, endpoint_id, health)


def wake_later(receiver: Receiver, endpoint_id: str, health: Health, *, unserved: bool = False) -> Health:
    """Arrange a wake-up for when the breaker closes, or all leases have ended, unless one comes about then.

    `unserved` says that nobody is about to take the turn, so that a wake-up need not wait for a lease of theirs.
    Returns the health with what is arranged.
    """
    due = _wake_due(health, unserved)
    before = health.wake_at
    if before and clock.iso(clock.now() + _CLOCKS) < before <= clock.iso(due + _LATE):
        return health
    at = clock.iso(due)
    _arrange(receiver, "wake_at", before, WakeReceiver(org_id=receiver.org_id, endpoint_id=endpoint_id, at=at), due)
    return health.model_copy(update={"wake_at": at})


def _wake_due(health: Health, unserved: bool) -> datetime:
    if health.open_until and breaker.is_open(health):
        # Not all receivers of a provider that is back are tried in the same second.
        closes = clock.parse(health.open_until) + timedelta(seconds=1 + breaker.choose(5))
        return min(closes, clock.now() + _BY_THE_OUTBOX)
    held = breaker.held_until(health)
    if held:
        return clock.parse(held) + timedelta(seconds=1)
    return clock.now() + (2 * _CLOCKS if unserved else _LONGEST_LEASE)


def watch(receiver: Receiver, endpoint_id: str, health: Health) -> None:
    """Arrange a watch, unless one comes. For who stores, or is about to store, a pending delivery."""
    before = health.watch_at
    if before and before > clock.iso(clock.now() + _INDEX):
        return
    _watch_again(receiver, endpoint_id, before)


def watch_endpoint(org_id: str, endpoint_id: str, health: Health) -> None:
    """As `watch`, for who knows an endpoint."""
    watch(receiver_of(org_id, endpoint_id), endpoint_id, health)


def _watch_again(receiver: Receiver, endpoint_id: str, before: str | None) -> None:
    due = clock.now() + WATCH_EVERY
    job = WatchReceiver(org_id=receiver.org_id, endpoint_id=endpoint_id, at=clock.iso(due))
    _arrange(receiver, "watch_at", before, job, due)


def _arrange(receiver: Receiver, name: Arranged, before: str | None, job: Job, due: datetime) -> None:
    later = timers.later(job, due)
    try:
        commit(health_store.arrange(receiver, name, before, clock.iso(due), later.ref), later.write)
    except ConditionFailedError:
        telemetry.logger().debug("another worker arranged it", extra={"receiver": receiver.id, "what": name})


def after_waking(job: WakeReceiver) -> None:
    """Arrange the next wake-up while anything is parked, and none when nothing is."""
    receiver = receiver_of(job.org_id, job.endpoint_id)
    # Whoever parks after this look relies on no wake-up whose moment has come, and arranges another.
    parked = parking_store.first(receiver, 1)
    if parked:
        wake_later(receiver, parked[0].endpoint_id, health_store.get(receiver), unserved=True)
    elif job.at:
        health_store.end_arrangement(receiver, "wake_at", job.at)


def look(job: WatchReceiver) -> None:
    """Park what is overdue and not parked, some pages of it, and let a job go on with the rest.

    The next watch and a wake-up are arranged before that: a walk may be stopped, and tried too often.
    """
    receiver = receiver_of(job.org_id, job.endpoint_id)
    until = clock.iso(clock.now() - schedule.PATIENCE)
    page = delivery_store.due_before(receiver, until, _AT_ONCE, job.start)
    health = health_store.get(receiver)
    if job.start is None:
        _renew_watch(job, receiver, health, pending=bool(page.items))
    if page.items or health.waiting:
        # What is parked may have lost its wake-up.
        wake_later(receiver, job.endpoint_id, health, unserved=True)
    _park_missing(receiver, job.endpoint_id, page.items)
    for _ in range(1, _PAGES):
        if page.next_key is None:
            return
        page = delivery_store.due_before(receiver, until, _AT_ONCE, page.next_key)
        _park_missing(receiver, job.endpoint_id, page.items)
    if page.next_key is not None:
        # By the outbox: Lambda stops functions that start themselves sixteen times.
        table.write(timers.soon(job.model_copy(update={"start": page.next_key})))


def _renew_watch(job: WatchReceiver, receiver: Receiver, health: Health, *, pending: bool) -> None:
    """Arrange the next watch while anything is pending, unless another is arranged."""
    if health.watch_at != job.at:
        telemetry.logger().info("another watch is arranged", extra={"receiver": receiver.id})
    elif pending or delivery_store.has_pending(receiver):
        _watch_again(receiver, job.endpoint_id, job.at)
    else:
        health_store.end_arrangement(receiver, "watch_at", job.at)


def _park_missing(receiver: Receiver, endpoint_id: str, entries: Sequence[Item]) -> None:
    """Park those of a page's overdue deliveries that are not parked, and arrange a wake-up after that."""
    keys = {delivery_store.place_in(entry): entry["pk"] for entry in entries}
    missing = parking_store.missing(receiver, list(keys))
    if not missing:
        return
    found = delivery_store.get_by_keys([keys[place] for place in missing])
    lost = [one for one in found if one and one.status is Status.PENDING and schedule.is_overdue(one)]
    if lost:
        telemetry.metric("WebhookJobLost", len(lost))
        telemetry.logger().warning("overdue deliveries found", extra={"deliveries": [one.id for one in lost]})
        parking_store.put([Parked.of(one) for one in lost])
        # The wake-up that was arranged before may have come meanwhile.
        wake_later(receiver, endpoint_id, health_store.mark_waiting(receiver), unserved=True)
