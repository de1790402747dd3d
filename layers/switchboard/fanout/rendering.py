"""From an event to what a kind of webhook says of it.

A renderer answers what is to be told, in order: in an ordered kind the earlier ones are what must have been told of
the subject before, and are made again here if the event that they belong to has not come by yet.

The subjects of a batch of events are read together, before any of them is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from switchboard.dialects.anima import webhooks as anima
from switchboard.dialects.athos import webhooks as athos
from switchboard.dialects.opticomm import webhooks as opticomm
from switchboard.events.models import Event
from switchboard.webhooks.models import KindName, RenderedEvent

#: What is told of an event, given its subject as it is now: `None` where it is gone, or of a type that is not read.
Renderer = Callable[[Event, Any], list[RenderedEvent]]
Places = Sequence[tuple[str, str]]


def _render_nothing(event: Event, subject: Any) -> list[RenderedEvent]:  # noqa: ARG001 a renderer's signature
    return []


#: One row for each kind. A test finds a kind without a row.
RENDERERS: dict[KindName, Renderer] = {
    "anima": anima.render,
    "opticomm": opticomm.render,
    "athos": athos.render,
    # No event has a name in HUM's webhooks yet (`events/types`), so none of its endpoints gets a delivery.
    "hum": _render_nothing,
}


def _messages(places: Places) -> Sequence[Any]:
    from switchboard.email import service as email  # a worker that tells of no mail does not load it

    return email.find_heads(places)


def _calls(places: Places) -> Sequence[Any]:
    from switchboard.calls import service as calls  # as above

    return calls.find_calls(places)


def _roleplay_calls(places: Places) -> Sequence[Any]:
    from switchboard.roleplay import calls as roleplay  # as above

    return roleplay.find_calls(places)


#: How subjects are read, by their type. An event of another type says all that is told of it.
_READERS: dict[str, Callable[[Places], Sequence[Any]]] = {
    "message": _messages,
    "call": _calls,
    "roleplay_call": _roleplay_calls,
}


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of a batch of events, as they are now."""

    found: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    def of(self, event: Event) -> Any:
        """An event's subject."""
        return self.found.get((event.org_id, event.subject.type, event.subject.id))


def read_subjects(events: Sequence[Event]) -> Subjects:
    """Read the subjects of up to a hundred events: one request for each type."""
    found: dict[tuple[str, str, str], Any] = {}
    for type_, read in _READERS.items():
        places = list(
            dict.fromkeys((event.org_id, event.subject.id) for event in events if event.subject.type == type_)
        )
        for (org_id, id_), thing in zip(places, read(places) if places else (), strict=True):
            found[org_id, type_, id_] = thing
    return Subjects(found)
