"""Parking: an attempt that finds no slot waits in the table, and one job for each receiver wakes it.

A worker parks the attempt first. Then it marks the receiver, which returns the receiver's current health, and
arranges a wake-up if none is arranged. If the worker stops between two of these steps, nothing waits without a later
wake-up: the queue delivers the attempt's own message again, or the wake-up finds the parked attempt. A worker that
holds slots sends parked attempts when it releases the slots (`parked_sender`). The wake-up covers workers that stopped,
and an open breaker.

A watch looks once an hour for pending deliveries whose attempt is long overdue because their job was lost, and parks
them. It first arranges the next watch and a wake-up, so that neither is lost if it stops. If there are many, it lets a
further job continue. Timers and jobs through the outbox have times for the receiver, not one for each delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from switchboard import telemetry
from switchboard.aws import queues, writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import ConditionFailedError, commit
from switchboard.kit import clock
from switchboard.kit.jobs import Job
from switchboard.timers import service as timers
from switchboard.webhooks import breaker, delivery_store, health_store, parking_store, schedule
from switchboard.webhooks.health_store import ArrangedJob
from switchboard.webhooks.jobs import WakeReceiver, WatchReceiver
from switchboard.webhooks.models import Delivery, DeliveryStatus, ReceiverHealth
from switchboard.webhooks.parking_store import ParkedAttempt
from switchboard.webhooks.receivers import WebhookReceiver, receiver_of

#: How often a watch runs while a delivery is pending. It exceeds the outbox's 15 minutes, so it waits as a timer.
WATCH_EVERY = schedule.MIN_PATIENCE
#: A job due within this time may be running already, by a clock that is ahead of ours: do not rely on it.
_CLOCKS = timedelta(seconds=5)
#: A watch due within this time may run before the index contains a delivery that was just stored.
_INDEX = timedelta(minutes=5)
#: How much later than necessary a wake-up may be. A later wake-up is replaced by an earlier one.
_LATE = timedelta(minutes=1)
#: The longest lease of a worker that takes the turn now: the longest wait for a response, with a margin.
_LONGEST_LEASE = timedelta(minutes=1) + breaker.LEASE_MARGIN + timedelta(seconds=1)
#: The latest wake-up: the longest delay of the outbox, which is exact to the second.
_BY_THE_OUTBOX = timedelta(seconds=queues.MAX_DELAY_SECONDS)
#: How many index entries a watch reads at once, and how many times. A further job continues with the rest.
_AT_ONCE, _PAGES = 100, 10


def park_attempts(
    endpoint_id: str, attempts: Iterable[ParkedAttempt], unstored: Iterable[Delivery] = ()
) -> ReceiverHealth:
    """Parks attempts for one receiver, and stores their unstored deliveries. Returns the receiver's health then."""
    waiting = list(attempts)
    receiver = receiver_of(waiting[0].org_id, endpoint_id)
    delivery_store.put_missing_deliveries(list(unstored))
    parking_store.put_attempts(waiting)
    health = health_store.mark_waiting(receiver)
    arrange_watch(receiver, endpoint_id, health)
    telemetry.emit_metric("WebhookParked", len(waiting))
    return arrange_wake_up(receiver, endpoint_id, health)


def arrange_wake_up(
    receiver: WebhookReceiver, endpoint_id: str, health: ReceiverHealth, *, unserved: bool = False
) -> ReceiverHealth:
    """Arranges a wake-up for the time when the breaker closes or all leases end, unless one is arranged near it.

    `unserved`: no worker is about to take the turn, so the wake-up does not wait for a future lease.
    Returns the health with the arranged wake-up.
    """
    due = _wake_due(health, unserved)
    before = health.wake_at
    if before and clock.format_iso(clock.now() + _CLOCKS) < before <= clock.format_iso(due + _LATE):
        return health
    at = clock.format_iso(due)
    _arrange(receiver, "wake_at", before, WakeReceiver(org_id=receiver.org_id, endpoint_id=endpoint_id, at=at), due)
    return health.model_copy(update={"wake_at": at})


def _wake_due(health: ReceiverHealth, unserved: bool) -> datetime:
    if health.open_until and breaker.is_open(health):
        # Spread the wake-ups: after an outage of a provider, do not try all its receivers in the same second.
        closes = clock.parse(health.open_until) + timedelta(seconds=1 + breaker.choose_slot(5))
        return min(closes, clock.now() + _BY_THE_OUTBOX)
    held = breaker.leased_until(health)
    if held:
        return clock.parse(held) + timedelta(seconds=1)
    return clock.now() + (2 * _CLOCKS if unserved else _LONGEST_LEASE)


def arrange_watch(receiver: WebhookReceiver, endpoint_id: str, health: ReceiverHealth) -> None:
    """Arranges a watch unless one is arranged. Call it before or after a pending delivery is stored."""
    before = health.watch_at
    if before and before > clock.format_iso(clock.now() + _INDEX):
        return
    _watch_again(receiver, endpoint_id, before)


def arrange_endpoint_watch(org_id: str, endpoint_id: str, health: ReceiverHealth) -> None:
    """The same as `arrange_watch`, for a caller that has an endpoint's id."""
    arrange_watch(receiver_of(org_id, endpoint_id), endpoint_id, health)


def _watch_again(receiver: WebhookReceiver, endpoint_id: str, before: str | None) -> None:
    due = clock.now() + WATCH_EVERY
    job = WatchReceiver(org_id=receiver.org_id, endpoint_id=endpoint_id, at=clock.format_iso(due))
    _arrange(receiver, "watch_at", before, job, due)


def _arrange(receiver: WebhookReceiver, name: ArrangedJob, before: str | None, job: Job, due: datetime) -> None:
    later = timers.schedule(job, due)
    try:
        commit(health_store.arrange_job_writes(receiver, name, before, clock.format_iso(due), later.ref), later.write)
    except ConditionFailedError:
        telemetry.logger().debug("another worker arranged it", extra={"receiver": receiver.id, "what": name})


def arrange_next_wake_up(job: WakeReceiver) -> None:
    """Arranges the next wake-up if attempts are parked. Otherwise record that none is arranged."""
    receiver = receiver_of(job.org_id, job.endpoint_id)
    # A worker that parks after this read does not rely on a wake-up that is due, and arranges another.
    parked = parking_store.oldest_attempts(receiver, 1)
    if parked:
        arrange_wake_up(receiver, parked[0].endpoint_id, health_store.get_health(receiver), unserved=True)
    elif job.at:
        health_store.clear_arranged_job(receiver, "wake_at", job.at)


def watch_receiver(job: WatchReceiver) -> None:
    """Parks overdue deliveries that are not parked, some pages of them, and lets a further job continue with the rest.

    Arranges the next watch and a wake-up first, because this job may stop or exhaust its retries.
    """
    receiver = receiver_of(job.org_id, job.endpoint_id)
    until = clock.format_iso(clock.now() - schedule.MIN_PATIENCE)
    page = delivery_store.list_due_before(receiver, until, _AT_ONCE, job.start)
    health = health_store.get_health(receiver)
    if job.start is None:
        _renew_watch(job, receiver, health, pending=bool(page.items))
    if page.items or health.waiting:
        # The wake-up of the parked attempts may be lost.
        arrange_wake_up(receiver, job.endpoint_id, health, unserved=True)
    _park_missing(receiver, job.endpoint_id, page.items)
    for _ in range(1, _PAGES):
        if page.next_key is None:
            return
        page = delivery_store.list_due_before(receiver, until, _AT_ONCE, page.next_key)
        _park_missing(receiver, job.endpoint_id, page.items)
    if page.next_key is not None:
        # Use the outbox: Lambda stops a function that invokes itself through a queue sixteen times.
        writes.write_item(timers.job_write(job.model_copy(update={"start": page.next_key})))


def _renew_watch(job: WatchReceiver, receiver: WebhookReceiver, health: ReceiverHealth, *, pending: bool) -> None:
    """Arranges the next watch if a delivery is pending, unless another watch is arranged."""
    if health.watch_at != job.at:
        telemetry.log_skip("another watch is arranged", receiver=receiver.id)
    elif pending or delivery_store.has_pending(receiver):
        _watch_again(receiver, job.endpoint_id, job.at)
    else:
        health_store.clear_arranged_job(receiver, "watch_at", job.at)


def _park_missing(receiver: WebhookReceiver, endpoint_id: str, entries: Sequence[Item]) -> None:
    """Parks the overdue deliveries of a page that are not parked, then arranges a wake-up."""
    keys = {delivery_store.place_in(entry): entry["pk"] for entry in entries}
    missing = parking_store.missing_places(receiver, list(keys))
    if not missing:
        return
    found = delivery_store.get_deliveries_by_keys([keys[place] for place in missing])
    lost = [one for one in found if one and one.status is DeliveryStatus.PENDING and schedule.is_overdue(one)]
    if lost:
        telemetry.emit_metric("WebhookJobLost", len(lost))
        telemetry.logger().warning("overdue deliveries found", extra={"deliveries": [one.id for one in lost]})
        parking_store.put_attempts([ParkedAttempt.of(one) for one in lost])
        # The wake-up that was arranged before may have run already.
        arrange_wake_up(receiver, endpoint_id, health_store.mark_waiting(receiver), unserved=True)
