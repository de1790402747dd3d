"""Jobs of the workers that deliver webhooks."""

from __future__ import annotations

from typing import Any

from switchboard.events.models import Event
from switchboard.kit.jobs import Job
from switchboard.webhooks.models import Delivery, Status


class DispatchEvent(Job, queue="webhooks"):
    """Make an event's deliveries, one for every endpoint that wants to hear of it."""

    org_id: str
    event: Event


class RecoverDeliveries(Job, queue="webhooks"):
    """Send an endpoint again what was lost of two moments' deliveries, from a place in the list of a state on."""

    org_id: str
    endpoint_id: str
    since: str
    until: str
    status: Status = Status.FAILED
    start: dict[str, Any] | None = None


class AbandonDeliveries(Job, queue="webhooks"):
    """Give up what still waits for an endpoint that was removed, from a place of the list on."""

    org_id: str
    endpoint_id: str
    start: dict[str, Any] | None = None


class WatchReceiver(Job, queue="webhooks"):
    """Look for deliveries to a receiver whose attempt is long overdue, from a place of the index on.

    `endpoint_id` is any endpoint of it. `at` is the moment that was arranged for it.
    """

    org_id: str
    endpoint_id: str
    at: str
    start: dict[str, Any] | None = None


class DeliverWebhook(Job, queue="deliveries"):
    """Make one attempt of a delivery. Attempts are numbered, so that each is made once.

    A delivery that is not stored yet travels with the job of its first attempt (`made`), which stores it. `made_at`
    is when it was made: by it deliveries that wait are in order.
    """

    org_id: str
    delivery_id: str
    endpoint_id: str
    attempt: int
    made_at: str | None = None
    made: Delivery | None = None


class WakeReceiver(Job, queue="deliveries"):
    """Send a receiver what is parked for it. `endpoint_id` is any endpoint of it.

    `at` is the moment that was arranged for it; a worker that has no more time asks for it without one, for now.
    """

    org_id: str
    endpoint_id: str
    at: str | None = None
