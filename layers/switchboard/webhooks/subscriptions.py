"""The endpoints that may hear of an event: an organization's subscriptions, and the callbacks that calls name."""

from __future__ import annotations

from switchboard.events.models import Event
from switchboard.webhooks import event_names
from switchboard.webhooks.models import Endpoint
from switchboard.webhooks.store import get_endpoints, list_subscriptions

__all__ = ["get_endpoints", "list_subscriptions", "wants_event"]


def wants_event(endpoint: Endpoint, event: Event) -> bool:
    """Whether an endpoint is active, older than the event, and subscribed to it."""
    name = event_names.name_of(endpoint.kind, event)
    return bool(
        name
        and endpoint.active
        and endpoint.created_at <= event.at
        and event_names.matches_event(endpoint.events, name, event.type)
    )
