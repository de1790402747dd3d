"""Jobs of the workers that deliver webhooks."""

from __future__ import annotations

from typing import Any

from switchboard.events.models import Event
from switchboard.kit.jobs import Job


class DispatchEvent(Job, queue="webhooks"):
    """Make an event's deliveries, one for every endpoint that wants to hear of it."""

    org_id: str
    event: Event


class RecoverDeliveries(Job, queue="webhooks"):
    """Send an endpoint again what failed between two moments, from a place of the list on."""

    org_id: str
    endpoint_id: str
    since: str
    until: str
    start: dict[str, Any] | None = None


class DeliverWebhook(Job, queue="deliveries"):
    """Make one attempt of a delivery. Attempts are numbered, so that each is made once."""

    org_id: str
    delivery_id: str
    attempt: int
