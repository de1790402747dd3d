"""The event types that each kind of webhook delivers, and their public names. Reads the registry of events."""

from __future__ import annotations

from difflib import get_close_matches
from typing import get_args

from switchboard.events import registry
from switchboard.events.models import Event
from switchboard.webhooks.models import KindName

#: The event name of a test delivery.
TEST_EVENT = "webhook.test"
#: The names of the events that customers name themselves: each begins with the part before `*`.
OPEN_NAMES: dict[KindName, tuple[str, ...]] = {"hum": ("external.*",)}

#: For each kind, our own event types with their names in the kind's contract.
EVENT_NAMES: dict[KindName, dict[str, str]] = {kind: registry.webhook_names(kind) for kind in get_args(KindName)}

#: All event types that any kind delivers.
EVENT_TYPES = frozenset(type_ for names in EVENT_NAMES.values() for type_ in names)


def event_types(kind: KindName) -> list[str]:
    """The event names that an endpoint of a kind can subscribe to."""
    return sorted(set(EVENT_NAMES[kind].values()))


def types_of(kind: KindName, name: str) -> list[str]:
    """Returns our own event types that a kind's webhooks report by a name."""
    return [type_ for type_, told in EVENT_NAMES[kind].items() if told == name]


def name_of(kind: KindName, event: Event) -> str | None:
    """Returns the name of an event in a kind's webhooks, `None` if they do not report it.

    The name of an open type, such as `external.*`, is in the event: customers choose it.
    """
    name = EVENT_NAMES[kind].get(event.type)
    return str(event.data["event"]) if name in OPEN_NAMES.get(kind, ()) else name


def matches_event(filters: list[str], name: str, type_: str) -> bool:
    """Whether any filter (an exact name, `prefix.*`, `*`) matches an event, by its public name or our own type."""
    return any(_takes(one, text) for one in filters for text in (name, type_))


def is_known_filter(one: str, kind: KindName) -> bool:
    """Whether a filter can match any event of a kind, by its public name or our own type."""
    known = any(_takes(one, text) for type_, name in EVENT_NAMES[kind].items() for text in (name, type_))
    return known or one == TEST_EVENT or any(one.startswith(name[:-1]) for name in OPEN_NAMES.get(kind, ()))


def suggest_filter(one: str, kind: KindName) -> str | None:
    """Returns the name or the prefix that resembles a filter that matches no event most, if any does."""
    names = [*event_types(kind), *OPEN_NAMES.get(kind, ())]
    prefixes = {f"{name.partition('.')[0]}.*" for name in names}
    return next(iter(get_close_matches(one, [*names, *sorted(prefixes)], n=1)), None)


def _takes(one: str, text: str) -> bool:
    return one in ("*", text) or (one.endswith(".*") and text.startswith(one[:-1]))
