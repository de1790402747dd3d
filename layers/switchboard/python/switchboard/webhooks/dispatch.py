"""From an event to deliveries: one for every endpoint that wants to hear of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from switchboard import telemetry
from switchboard.aws import clock, ids, queue, secret, table
from switchboard.aws.table import ConditionFailedError
from switchboard.events.models import Event
from switchboard.webhooks import catalogue, store, template
from switchboard.webhooks.jobs import DeliverWebhook
from switchboard.webhooks.kinds import KINDS
from switchboard.webhooks.models import Delivery, Endpoint, Rendered
from switchboard.webhooks.rendering import RENDERERS

#: What a body may have at most (conventions.md 8), beyond which its texts are cut.
MAX_BODY = 20_000
_SHORTENED_TO = 500


def dispatch(event: Event) -> None:
    """Make an event's deliveries and send them off. Run again it makes none twice."""
    made = [delivery for endpoint in _endpoints(event) for delivery in _deliveries(endpoint, event)]
    for delivery in made:
        create(delivery)
    send_off(made)


def create(delivery: Delivery) -> None:
    """Store a delivery, unless it is there."""
    try:
        table.write(store.put_delivery(delivery))
    except ConditionFailedError:
        return


def send_off(deliveries: Iterable[Delivery]) -> None:
    """Enqueue deliveries for their first attempt."""
    queue.send([attempt_of(delivery).message() for delivery in deliveries])


def attempt_of(delivery: Delivery, *, after: int = 1) -> DeliverWebhook:
    """The job of a delivery's next attempt, or of a later one. An attempt that was made is not made again."""
    return DeliverWebhook(org_id=delivery.org_id, delivery_id=delivery.id, attempt=delivery.attempts + after)


def _endpoints(event: Event) -> Iterator[Endpoint]:
    if event.type in catalogue.NAMES["opticomm"]:
        yield from _callback(event)
    for endpoint in store.subscriptions(event.org_id):
        name = catalogue.NAMES[endpoint.kind].get(event.type)
        wants = name and endpoint.active and catalogue.matches(endpoint.events, name, event.type)
        # What happened before it was registered is not for it, however late it comes by.
        if wants and endpoint.created_at <= event.at:
            yield endpoint


def _callback(event: Event) -> Iterator[Endpoint]:
    from switchboard.calls import service as calls

    call = calls.find(event.org_id, event.subject.id)
    endpoint = store.get_endpoint(event.org_id, call.callback_id) if call and call.callback_id else None
    if endpoint and endpoint.active:
        yield endpoint


def _deliveries(endpoint: Endpoint, event: Event) -> Iterator[Delivery]:
    before: Delivery | None = None
    for rendered in RENDERERS[endpoint.kind](event):
        delivery = delivery_of(endpoint, rendered, event)
        if before and KINDS[endpoint.kind].ordered:
            delivery = delivery.model_copy(update={"follows": before.id})
        yield delivery
        before = delivery


def delivery_of(endpoint: Endpoint, rendered: Rendered, event: Event) -> Delivery:
    """A delivery that is not yet stored. Its id is the same each time."""
    now = clock.stamp()
    return Delivery(
        id=_id(endpoint, rendered),
        org_id=endpoint.org_id,
        endpoint_id=endpoint.id,
        event=rendered.event,
        event_id=event.id,
        subject_id=event.subject.id,
        sequence=rendered.sequence,
        body=_body(endpoint, rendered.body),
        next_attempt_at=now,
        correlation_id=event.correlation_id,
        created_at=now,
    )


def _id(endpoint: Endpoint, rendered: Rendered) -> str:
    parts = (endpoint.org_id, endpoint.id, rendered.key)
    if endpoint.kind == "athos":
        digest = bytes.fromhex(secret.digest("\x1f".join(parts)))
        return f"wh_{uuid.UUID(bytes=digest[:16], version=4)}"
    return ids.derived("dlv", 0, *parts)


def _body(endpoint: Endpoint, body: dict[str, Any]) -> str:
    shown = template.fill(endpoint.template, body) if endpoint.template else body
    text = _compact(shown)
    if len(text.encode()) > MAX_BODY:
        telemetry.metric("WebhookBodyShortened")
        text = _compact(_shortened(shown))
    return text


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _shortened(node: Any) -> Any:
    match node:
        case dict():
            return {name: _shortened(part) for name, part in node.items()}
        case list():
            return [_shortened(part) for part in node[:50]]
        case str():
            return node if len(node) <= _SHORTENED_TO else f"{node[:_SHORTENED_TO]}…"
    return node
