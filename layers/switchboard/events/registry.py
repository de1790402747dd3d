"""The registry of events: every type that the platform records, its data, and its consequences.

A type is one row in `switchboard/events/types/<noun>.py`. All other code reads the row: the check of recorded events
(`events.service.new_event`), the queues that act on it (`fanout/routes.py`), its names in webhooks
(`webhooks/event_names.py`), its audit channel (`audit/chain.py`) and the page `docs/events.md`. The rows are plain data
and import no noun.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import get_args

from switchboard.events import types
from switchboard.events.types.base import Channel, Contract, EventType

_CHANNELS: frozenset[str] = frozenset(get_args(Channel))


class EventError(TypeError):
    """The code records an event that does not fit the registry. This is a bug, which tests find."""


def _by_name(rows: Iterable[EventType]) -> dict[str, EventType]:
    found: dict[str, EventType] = {}
    for row in rows:
        if row.name in found:
            raise EventError(f"{row.name} has two rows in switchboard/events/types: keep one.")
        found[row.name] = row
    return found


def _rows() -> Iterator[EventType]:
    """Yields the rows of all modules of the package except `base`. So a new noun's file needs no entry in a list."""
    for name in sorted(module.name for module in iter_modules(types.__path__)):
        if name != "base":
            yield from import_module(f"{types.__name__}.{name}").TYPES


#: All types by name.
TYPES: dict[str, EventType] = _by_name(_rows())


def channel_of(name: str) -> str | None:
    """Returns the audit channel of a type. For an old type that is not registered, the first word names the channel."""
    row = TYPES.get(name)
    if row:
        return row.channel
    category, _, _ = name.partition(".")
    return category if category in _CHANNELS else None


def webhook_names(contract: Contract) -> dict[str, str]:
    """Returns the types that a contract's webhooks report, each with the contract's name for it."""
    return {row.name: row.webhooks[contract] for row in TYPES.values() if contract in row.webhooks}
