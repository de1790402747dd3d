"""Jobs of the workers that deliver webhooks."""

from __future__ import annotations

from typing import Any

from switchboard.events.models import Event
from switchboard.kit.jobs import Job
from switchboard.webhooks.models import Delivery, DeliveryStatus


class DispatchEvent(Job, queue="webhooks"):
    """Create an event's deliveries, one for every endpoint that subscribes to it."""

    org_id: str
    event: Event


class RecoverDeliveries(Job, queue="webhooks"):
    """Send an endpoint's lost deliveries again that were created from `since` to `until`.

    The job goes through the list of one `status`, from the key `start` on.
    """

    org_id: str
    endpoint_id: str
    since: str
    until: str
    status: DeliveryStatus = DeliveryStatus.FAILED
    start: dict[str, Any] | None = None


class AbandonDeliveries(Job, queue="webhooks"):
    """Cancel the pending deliveries of a deleted endpoint, from the key `start` of the list on."""

    org_id: str
    endpoint_id: str
    start: dict[str, Any] | None = None


class WatchReceiver(Job, queue="webhooks"):
    """Look for a receiver's deliveries whose attempt is long overdue, from the key `start` of the index on.

    `endpoint_id` is any endpoint of the receiver. `at` is the time that was arranged for the job.
    """

    org_id: str
    endpoint_id: str
    at: str
    start: dict[str, Any] | None = None


class DeliverWebhook(Job, queue="deliveries"):
    """Make one attempt of a delivery. Attempts are numbered, so that each is made once.

    The job of the first attempt carries a delivery that is not stored yet (`made`). The attempt stores it. `made_at`
    is the time when the delivery was created; waiting deliveries are ordered by it.
    """

    org_id: str
    delivery_id: str
    endpoint_id: str
    attempt: int
    made_at: str | None = None
    made: Delivery | None = None


class WakeReceiver(Job, queue="deliveries"):
    """Send a receiver's parked attempts. `endpoint_id` is any endpoint of the receiver.

    `at` is the time that was arranged for the job. A worker that runs out of time sends the job without `at`.
    """

    org_id: str
    endpoint_id: str
    at: str | None = None
