"""Deliveries for their owner: list, read, redeliver and recover them, and send a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchboard.errors import Conflict, NotFound
from switchboard.events import service as events
from switchboard.events.models import Event, Origin, Subject
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
    KindName,
    RenderedEvent,
)
from switchboard.webhooks.service import get_endpoint, webhook_event_writes

#: Makes the body of a test delivery in the words of an API.
RenderTest = Callable[[Event], RenderedEvent]


def send_test_delivery(
    origin: Origin,
    endpoint_id: str,
    effect: IdempotencyKey | None = None,
    *,
    kind: KindName | None = None,
    render: RenderTest | None = None,
) -> Delivery:
    """Sends an endpoint, of one kind if given, a test delivery. `render` makes its body.

    Raises NotFound, and Conflict if the endpoint is not active.
    """
    endpoint = _active(origin.org_id, endpoint_id, kind, watched=True)
    event = events.new_event(
        origin, event_names.TEST_EVENT, Subject(type="webhook", id=endpoint.id, version=1), kind=endpoint.kind
    )
    delivery = new_delivery.new_delivery(endpoint, (render or _plain_test)(event), event)
    first = timers.job_write(new_delivery.attempt_job(delivery))
    done = commit_once(
        effect, delivery.id, delivery_store.put_delivery_writes(delivery), first, events.event_write(event)
    )
    return get_delivery(origin.org_id, done.subject_id) if done else delivery


def _plain_test(event: Event) -> RenderedEvent:
    body: dict[str, Any] = {
        "event": event_names.TEST_EVENT,
        "occurredAt": event.at,
        "webhookId": event.subject.id,
        "sequence": 1,
    }
    return RenderedEvent(event=event_names.TEST_EVENT, body=body, sequence=1, key=event.id)


def _active(org_id: str, endpoint_id: str, kind: KindName | None = None, *, watched: bool = False) -> Endpoint:
    """Returns an active endpoint. With `watched`, arranges a watch, because the caller stores a pending delivery."""
    endpoint, health = get_endpoint(org_id, endpoint_id, kind)
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
    org_id: str,
    endpoint_id: str,
    status: DeliveryStatus | None,
    limit: int,
    after: str | None,
    *,
    event: str | None = None,
    kind: KindName | None = None,
) -> tuple[list[Delivery], str | None]:
    """A page of the deliveries of an endpoint, of one kind if given, newest first. Raises NotFound.

    A page of one event's deliveries may be short and still have a next page.
    """
    get_endpoint(org_id, endpoint_id, kind)
    page = delivery_store.list_deliveries(org_id, endpoint_id, status, limit, after, event)
    return [delivery_store.parse_delivery(item) for item in page.items], page.cursor


def list_dead_letters(org_id: str, limit: int, after: str | None) -> tuple[list[Delivery], str | None]:
    """A page of the organization's lost deliveries, newest first: they failed, or their endpoint was disabled."""
    page = delivery_store.list_dead_letters(org_id, limit, after)
    return [delivery_store.parse_delivery(item) for item in page.items], page.cursor


def redeliver_endpoint_delivery(
    origin: Origin, kind: KindName, endpoint_id: str, delivery_id: str, effect: IdempotencyKey | None = None
) -> Delivery:
    """Sends a delivery of an endpoint of a kind again, like `redeliver_delivery`.

    Raises NotFound also for a delivery of another endpoint.
    """
    get_endpoint(origin.org_id, endpoint_id, kind)
    if get_delivery(origin.org_id, delivery_id).endpoint_id != endpoint_id:
        raise NotFound("There is no such delivery of this webhook: check the ids.")
    return redeliver_delivery(origin, delivery_id, effect)


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
