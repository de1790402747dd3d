"""Bulk work on one endpoint's deliveries: sends lost deliveries again, or cancels pending deliveries.

Each job processes some deliveries, and a further job continues with the rest. That job goes through the outbox instead
of straight to the queue, because Lambda stops a function that invokes itself sixteen times.
"""

from __future__ import annotations

from contextlib import suppress

from switchboard.aws import clock, table
from switchboard.aws.table import Item, Writes, commit
from switchboard.errors import Conflict
from switchboard.kit.jobs import Job
from switchboard.timers import service as timers
from switchboard.webhooks import delivery_store, dispatch, health_store, parking, recording, schedule
from switchboard.webhooks.jobs import AbandonDeliveries, RecoverDeliveries
from switchboard.webhooks.models import Delivery, Reason, Status
from switchboard.webhooks.parking_store import Parked
from switchboard.webhooks.recording import Held

#: How many deliveries one job processes.
AT_ONCE = 25
#: The lists that a recovery goes through, in this order.
_ORDER = (Status.FAILED, Status.CANCELED, Status.PENDING)


def is_stuck(delivery: Delivery) -> bool:
    """Whether a delivery is so long overdue that its job must be lost.

    If the job arrives after all, it finds its attempt made, or it sends the same body with the same id.
    """
    return delivery.status is Status.PENDING and schedule.is_overdue(delivery)


def set_off_writes(delivery: Delivery) -> list[Writes]:
    """The writes that restart a delivery. Raises Conflict at commit if the delivery changed since it was read."""
    now = clock.stamp()
    fresh = {"tries": 0, "set_off_at": now, "next_attempt_at": now, "completed_at": None, "error": None}
    after = delivery.moved(Status.PENDING, **fresh, follows=None, timer=None)
    return [delivery_store.save(delivery, after, _under_way), timers.soon(dispatch.attempt_of(after))]


def _under_way(_: list[Item | None]) -> Exception:
    return Conflict("The delivery is still pending: wait until it is over.", code="delivery_pending")


def go_on_recovering(job: RecoverDeliveries) -> None:
    """Send some lost deliveries again: first failed, then canceled (endpoint disabled), then stuck deliveries.

    Stops if the endpoint was disabled or deleted since. The remaining deliveries can be recovered later.
    """
    endpoint, health = health_store.with_endpoint(job.org_id, job.endpoint_id)
    if endpoint is None or not endpoint.active:
        return
    parking.watch_endpoint(job.org_id, job.endpoint_id, health)
    page = delivery_store.in_state(
        job.org_id, job.endpoint_id, job.status, AT_ONCE, job.start, since=job.since, until=job.until
    )
    for delivery in map(delivery_store.read, page.items):
        if delivery.lost or is_stuck(delivery):
            with suppress(Conflict):  # the delivery was restarted already
                commit(set_off_writes(delivery))
    after = _ORDER[_ORDER.index(job.status) + 1 :]
    if page.next_key is None and after:
        table.write(timers.soon(job.model_copy(update={"status": after[0], "start": None})))
    else:
        _go_on(job, page.next_key)


def go_on_abandoning(job: AbandonDeliveries) -> None:
    """Cancel some pending deliveries of a deleted endpoint, and delete the timers of their next attempts."""
    page = delivery_store.in_state(job.org_id, job.endpoint_id, Status.PENDING, AT_ONCE, job.start)
    waiting = map(delivery_store.read, page.items)
    held = [Held(number, one, parked=Parked.of(one)) for number, one in enumerate(waiting)]
    recording.record([recording.canceled(one, Reason.DELETED) for one in held])
    _go_on(job, page.next_key)


def _go_on(job: RecoverDeliveries | AbandonDeliveries, next_key: Item | None) -> None:
    if next_key is not None:
        rest: Job = job.model_copy(update={"start": next_key})
        table.write(timers.soon(rest))
