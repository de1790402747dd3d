"""Makes a delivery of a rendered event, and the job of its next attempt."""

from __future__ import annotations

import uuid

from switchboard.events.models import Event
from switchboard.kit import clock, ids
from switchboard.kit import texts as kit_texts
from switchboard.webhooks import bodies
from switchboard.webhooks.jobs import DeliverWebhook
from switchboard.webhooks.models import Delivery, Endpoint, KindName, RenderedEvent

#: The bodies of one event, by kind, template and key. Endpoints that need the same body share it.
BodyTexts = dict[tuple[KindName, str | None, str], str]


def attempt_job(delivery: Delivery, *, after: int = 1, made: bool = False) -> DeliverWebhook:
    """Returns the job of a delivery's next attempt, or of the attempt `after` attempts later.

    A worker skips an attempt that was already made. With `made` the job carries a delivery that is not stored yet.
    """
    return DeliverWebhook(
        org_id=delivery.org_id,
        delivery_id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        attempt=delivery.attempts + after,
        made_at=delivery.created_at,
        made=delivery if made else None,
    )


def new_delivery(endpoint: Endpoint, rendered: RenderedEvent, event: Event, texts: BodyTexts | None = None) -> Delivery:
    """Returns a delivery that is not stored yet. The same event and endpoint always give the same id.

    `texts` caches the bodies of the event, so that endpoints with the same template share one.
    """
    now = clock.now_iso()
    texts = {} if texts is None else texts
    shape = (endpoint.kind, endpoint.template, rendered.key)
    if shape not in texts:
        texts[shape] = bodies.body_text(endpoint.template, rendered.body)
    return Delivery(
        id=delivery_id(endpoint, rendered),
        org_id=endpoint.org_id,
        endpoint_id=endpoint.id,
        event=rendered.event,
        event_id=event.id,
        subject_id=event.subject.id,
        sequence=rendered.sequence,
        body=texts[shape],
        next_attempt_at=now,
        correlation_id=event.correlation_id,
        created_at=now,
    )


def delivery_id(endpoint: Endpoint, rendered: RenderedEvent) -> str:
    """Returns the id of a delivery: derived from the endpoint and the event, in the form of the endpoint's kind."""
    parts = (endpoint.org_id, endpoint.id, rendered.key)
    if endpoint.kind == "athos":
        digest = bytes.fromhex(kit_texts.digest("\x1f".join(parts)))
        return f"wh_{uuid.UUID(bytes=digest[:16], version=4)}"
    return ids.derive_id("dlv", 0, *parts)
