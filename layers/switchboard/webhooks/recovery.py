"""Bulk work on one endpoint's deliveries: sends lost deliveries again, or cancels pending deliveries.

Each job processes some deliveries, and a further job continues with the rest. That job goes through the outbox instead
of straight to the queue, because Lambda stops a function that invokes itself sixteen times.
"""

from __future__ import annotations

from switchboard import telemetry
from switchboard.aws import writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes, commit
from switchboard.errors import Conflict
from switchboard.kit import clock
from switchboard.kit.jobs import Job
from switchboard.timers import service as timers
from switchboard.webhooks import delivery_store, health_store, moves, new_delivery, parking, schedule
from switchboard.webhooks.jobs import AbandonDeliveries, RecoverDeliveries
from switchboard.webhooks.models import CancelReason, Delivery, DeliveryStatus
from switchboard.webhooks.moves import HeldDelivery
from switchboard.webhooks.parking_store import ParkedAttempt

#: How many deliveries one job processes.
DELIVERIES_PER_JOB = 25
#: The lists that a recovery goes through, in this order.
_ORDER = (DeliveryStatus.FAILED, DeliveryStatus.CANCELED, DeliveryStatus.PENDING)


def is_stuck(delivery: Delivery) -> bool:
    """Whether a delivery is so long overdue that its job must be lost.

    If the job arrives after all, it finds its attempt made, or it sends the same body with the same id.
    """
    return delivery.status is DeliveryStatus.PENDING and schedule.is_overdue(delivery)


def restart_writes(delivery: Delivery) -> list[Writes]:
    """The writes that restart a delivery. Raises Conflict at commit if the delivery changed since it was read."""
    now = clock.now_iso()
    fresh = {"tries": 0, "set_off_at": now, "next_attempt_at": now, "completed_at": None, "error": None}
    after = delivery.with_status(DeliveryStatus.PENDING, **fresh, follows=None, timer=None)
    return [
        delivery_store.save_delivery_writes(delivery, after, _under_way),
        timers.job_write(new_delivery.attempt_job(after)),
    ]


def _under_way(_: list[Item | None]) -> Exception:
    return Conflict("The delivery is still pending: wait until it is over.", code="delivery_pending")


def recover_next_page(job: RecoverDeliveries) -> None:
    """Sends some lost deliveries again: first failed, then canceled (endpoint disabled), then stuck deliveries.

    Stops if the endpoint was disabled or deleted since. The remaining deliveries can be recovered later.
    """
    endpoint, health = health_store.get_endpoint_with_health(job.org_id, job.endpoint_id)
    if endpoint is None or not endpoint.active:
        telemetry.log_skip("the webhook is deleted or disabled", org_id=job.org_id, endpoint_id=job.endpoint_id)
        return
    parking.arrange_endpoint_watch(job.org_id, job.endpoint_id, health)
    page = delivery_store.list_by_status(
        job.org_id, job.endpoint_id, job.status, DELIVERIES_PER_JOB, job.start, since=job.since, until=job.until
    )
    for delivery in map(delivery_store.parse_delivery, page.items):
        if delivery.is_lost or is_stuck(delivery):
            try:
                commit(restart_writes(delivery))
            except Conflict:
                telemetry.log_skip("the delivery was restarted", org_id=job.org_id, delivery_id=delivery.id)
    after = _ORDER[_ORDER.index(job.status) + 1 :]
    if page.next_key is None and after:
        writes.write_item(timers.job_write(job.model_copy(update={"status": after[0], "start": None})))
    else:
        _go_on(job, page.next_key)


def abandon_next_page(job: AbandonDeliveries) -> None:
    """Cancels some pending deliveries of a deleted endpoint, and deletes the timers of their next attempts."""
    page = delivery_store.list_by_status(
        job.org_id, job.endpoint_id, DeliveryStatus.PENDING, DELIVERIES_PER_JOB, job.start
    )
    if not page.items:
        telemetry.log_skip("no delivery is pending", org_id=job.org_id, endpoint_id=job.endpoint_id)
    waiting = map(delivery_store.parse_delivery, page.items)
    held = [HeldDelivery(number, one, parked=ParkedAttempt.of(one)) for number, one in enumerate(waiting)]
    moves.commit_moves([moves.cancel_move(one, CancelReason.DELETED) for one in held])
    _go_on(job, page.next_key)


def _go_on(job: RecoverDeliveries | AbandonDeliveries, next_key: Item | None) -> None:
    if next_key is not None:
        rest: Job = job.model_copy(update={"start": next_key})
        writes.write_item(timers.job_write(rest))
