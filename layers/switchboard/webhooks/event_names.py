"""The event types that each kind of webhook delivers, and their public names. Reads the registry of events."""

from __future__ import annotations

from typing import get_args

from switchboard.events import registry
from switchboard.webhooks.models import KindName

#: The event name of a test delivery.
TEST_EVENT = "webhook.test"

#: For each kind, our own event types with their names in the kind's contract.
EVENT_NAMES: dict[KindName, dict[str, str]] = {kind: registry.webhook_names(kind) for kind in get_args(KindName)}

#: All event types that any kind delivers.
EVENT_TYPES = frozenset(type_ for names in EVENT_NAMES.values() for type_ in names)


def event_types(kind: KindName) -> list[str]:
    """The event names that an endpoint of a kind can subscribe to."""
    return sorted(set(EVENT_NAMES[kind].values()))


def matches_event(filters: list[str], name: str, type_: str) -> bool:
    """Whether any filter (an exact name, `prefix.*`, `*`) matches an event, by its public name or our own type."""
    return any(_takes(one, text) for one in filters for text in (name, type_))


def is_known_filter(one: str, kind: KindName) -> bool:
    """Whether a filter can match any event of a kind, by its public name or our own type."""
    return any(_takes(one, text) for type_, name in EVENT_NAMES[kind].items() for text in (name, type_))


def _takes(one: str, text: str) -> bool:
    return one in ("*", text) or (one.endswith(".*") and text.startswith(one[:-1]))
