"""The recent events of an organization as the webhooks that an endpoint would get: for `switchboard listen`.

The feed follows the audit chain, so its place is a `seq`. A reader that comes back with its last place misses nothing,
and no endpoint, no queue and no live stream is needed. The reader signs the bodies itself.
"""

from __future__ import annotations

from typing import NamedTuple

from switchboard.audit import service as audit
from switchboard.events import service as events
from switchboard.fanout import rendering
from switchboard.webhooks import event_names
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import Delivery, Endpoint, KindName
from switchboard.webhooks.new_delivery import new_delivery


class WebhookFeed(NamedTuple):
    """Deliveries in the order of their events, and the place after them."""

    deliveries: list[Delivery]
    after: int


def read_webhook_feed(org_id: str, kind: KindName, after: int | None, limit: int) -> WebhookFeed:
    """Returns the deliveries of up to `limit` events after a place. Without a place, returns the end of the chain.

    A place that the chain has never reached comes from another deployment: the feed then starts at the end.
    """
    head = audit.get_head(org_id).seq
    if after is None or not audit.has_reached(org_id, after, head):
        return WebhookFeed([], head)
    documents = audit.list_next_documents(org_id, after, limit)
    recorded = events.find_events(org_id, [(one["correlationId"], one["id"]) for one in documents])
    named = [event for event in recorded if event_names.name_of(kind, event)]
    subjects = rendering.read_subjects(named)
    endpoint = _endpoint_of_listener(org_id, kind)
    made = [
        new_delivery(endpoint, rendered, event)
        for event in named
        for rendered in rendering.RENDERERS[kind](event, subjects.of(event))
    ]
    return WebhookFeed(made, documents[-1]["seq"] if documents else after)


def _endpoint_of_listener(org_id: str, kind: KindName) -> Endpoint:
    """Returns an endpoint that is never stored. The ids of deliveries are derived from its id."""
    return Endpoint(
        id=f"listener_{kind}",
        org_id=org_id,
        kind=kind,
        url="",
        timeout_ms=WEBHOOK_KINDS[kind].timeout_ms,
        max_attempts=1,
        created_at="",
        updated_at="",
    )
