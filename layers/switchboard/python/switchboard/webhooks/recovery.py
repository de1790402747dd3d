"""Many deliveries of one endpoint at once: those that were lost are sent again, those that wait are given up.

A worker takes some, and lets a job of its own go on with the rest: by the outbox, not straight to the queue, since
Lambda stops functions that start themselves sixteen times.
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

#: How many one job takes.
AT_ONCE = 25
#: What a recovery goes through, in this order.
_ORDER = (Status.FAILED, Status.CANCELED, Status.PENDING)


def is_stuck(delivery: Delivery) -> bool:
    """Whether a delivery waits so long after its attempt was due that its job was lost.

    Should one still come, it finds its attempt made, or sends the same body under the same id.
    """
    return delivery.status is Status.PENDING and schedule.is_overdue(delivery)


def set_off_writes(delivery: Delivery) -> list[Writes]:
    """The writes that set a delivery off again. Raises Conflict at commit for one that has moved since it was read."""
    now = clock.stamp()
    fresh = {"tries": 0, "set_off_at": now, "next_attempt_at": now, "completed_at": None, "error": None}
    after = delivery.moved(Status.PENDING, **fresh, follows=None, timer=None)
    return [delivery_store.save(delivery, after, _under_way), timers.soon(dispatch.attempt_of(after))]


def _under_way(_: list[Item | None]) -> Exception:
    return Conflict("The delivery is under way.", code="delivery_pending")


def go_on_recovering(job: RecoverDeliveries) -> None:
    """Send some of what was lost again: what failed, then what was given up while disabled, then what is stuck.

    It ends early with an endpoint that was disabled or deleted since: what is left stays to be recovered.
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
            with suppress(Conflict):  # somebody set it off already
                commit(set_off_writes(delivery))
    after = _ORDER[_ORDER.index(job.status) + 1 :]
    if page.next_key is None and after:
        table.write(timers.soon(job.model_copy(update={"status": after[0], "start": None})))
    else:
        _go_on(job, page.next_key)


def go_on_abandoning(job: AbandonDeliveries) -> None:
    """Give up some of what waits for an endpoint that was removed, with the timers of its next attempts."""
    page = delivery_store.in_state(job.org_id, job.endpoint_id, Status.PENDING, AT_ONCE, job.start)
    waiting = map(delivery_store.read, page.items)
    held = [Held(number, one, parked=Parked.of(one)) for number, one in enumerate(waiting)]
    recording.record([recording.canceled(one, Reason.DELETED) for one in held])
    _go_on(job, page.next_key)


def _go_on(job: RecoverDeliveries | AbandonDeliveries, next_key: Item | None) -> None:
    if next_key is not None:
        rest: Job = job.model_copy(update={"start": next_key})
        table.write(timers.soon(rest))
