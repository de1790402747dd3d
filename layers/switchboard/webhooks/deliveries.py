"""Deliveries for their owner: list, read, redeliver and recover them, and send a test."""

from __future__ import annotations

from typing import Any

from switchboard.errors import Conflict, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.timers import service as timers
from switchboard.webhooks import (
    delivery_store,
    event_names,
    new_delivery,
    parking,
    recovery,
)
from switchboard.webhooks.jobs import RecoverDeliveries
from switchboard.webhooks.models import (
    Delivery,
    DeliveryStatus,
    Endpoint,
    RenderedEvent,
)
from switchboard.webhooks.service import get_endpoint, webhook_event_writes


def send_test_delivery(origin: Origin, endpoint_id: str, effect: IdempotencyKey | None = None) -> Delivery:
    """Sends an endpoint a test delivery. Raises NotFound, and Conflict if the endpoint is not active."""
    endpoint = _active(origin.org_id, endpoint_id, watched=True)
    event = events.new_event(
        origin, event_names.TEST_EVENT, Subject(type="webhook", id=endpoint.id, version=1), kind=endpoint.kind
    )
    body: dict[str, Any] = {
        "event": event_names.TEST_EVENT,
        "occurredAt": event.at,
        "webhookId": endpoint.id,
        "sequence": 1,
    }
    rendered = RenderedEvent(event=event_names.TEST_EVENT, body=body, sequence=1, key=event.id)
    delivery = new_delivery.new_delivery(endpoint, rendered, event)
    first = timers.job_write(new_delivery.attempt_job(delivery))
    done = commit_once(
        effect, delivery.id, delivery_store.put_delivery_writes(delivery), first, events.event_write(event)
    )
    return get_delivery(origin.org_id, done.subject_id) if done else delivery


def _active(org_id: str, endpoint_id: str, *, watched: bool = False) -> Endpoint:
    """Returns an active endpoint. With `watched`, arranges a watch, because the caller stores a pending delivery."""
    endpoint, health = get_endpoint(org_id, endpoint_id)
    if not endpoint.active:
        raise Conflict("The webhook is disabled: set `active` to true first.", code="webhook_disabled")
    if watched:
        parking.arrange_endpoint_watch(org_id, endpoint_id, health)
    return endpoint


def get_delivery(org_id: str, delivery_id: str) -> Delivery:
    """Returns a delivery of the organization. Raises NotFound."""
    found = delivery_store.get_delivery(org_id, delivery_id)
    if found is None:
        raise NotFound("There is no such delivery: check its id.")
    return found


def list_deliveries(
    org_id: str, endpoint_id: str, status: DeliveryStatus | None, limit: int, after: str | None
) -> tuple[list[Delivery], str | None]:
    """A page of an endpoint's deliveries, newest first. Raises NotFound."""
    get_endpoint(org_id, endpoint_id)
    page = delivery_store.list_deliveries(org_id, endpoint_id, status, limit, after)
    return [delivery_store.parse_delivery(item) for item in page.items], page.cursor


def list_dead_letters(org_id: str, limit: int, after: str | None) -> tuple[list[Delivery], str | None]:
    """A page of the organization's lost deliveries, newest first: they failed, or their endpoint was disabled."""
    page = delivery_store.list_dead_letters(org_id, limit, after)
    return [delivery_store.parse_delivery(item) for item in page.items], page.cursor


def redeliver_delivery(origin: Origin, delivery_id: str, effect: IdempotencyKey | None = None) -> Delivery:
    """Sends a completed or stuck delivery again, with the whole retry schedule and the same id.

    A stuck delivery is long overdue because its job was lost. Raises NotFound, and Conflict if the delivery is still
    pending or its endpoint is not active.
    """
    delivery = get_delivery(origin.org_id, delivery_id)
    if find_earlier_effect(effect):
        return delivery
    if delivery.status is DeliveryStatus.PENDING and not recovery.is_stuck(delivery):
        raise Conflict("The delivery is still pending: wait until it is over.", code="delivery_pending")
    _active(origin.org_id, delivery.endpoint_id, watched=True)
    subject = Subject(type="webhook_delivery", id=delivery.id)
    event_write = events.new_event_write(origin, "webhook.redelivered", subject, webhook_id=delivery.endpoint_id)
    commit_once(effect, delivery.id, recovery.restart_writes(delivery), event_write)
    return get_delivery(origin.org_id, delivery_id)


def start_recovery(origin: Origin, endpoint_id: str, since: str, effect: IdempotencyKey | None = None) -> None:
    """Sends an endpoint's lost deliveries that were created since a time again. A worker does this later.

    Lost deliveries failed, were pending when the endpoint was disabled, or are stuck because their job was lost.
    Events that happen while the endpoint is disabled create no deliveries, so they are not sent later.

    Raises NotFound, and Conflict if the endpoint is not active.
    """
    endpoint = _active(origin.org_id, endpoint_id)
    job = RecoverDeliveries(org_id=origin.org_id, endpoint_id=endpoint_id, since=since, until=clock.now_iso())
    event = webhook_event_writes(origin, endpoint, "webhook.recovery_started", since=since)
    commit_once(effect, endpoint_id, timers.job_write(job), event)
