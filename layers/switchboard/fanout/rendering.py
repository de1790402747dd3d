"""Renders an event as the webhooks of each kind.

A renderer returns the webhooks of an event in order. In an ordered kind, the first ones are the webhooks that must
precede this event's webhook. They are rendered here too, because their own events may arrive later.

The subjects of a batch of events are read together, before the first event is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from switchboard.dialects.anima import webhooks as anima
from switchboard.dialects.athos import webhooks as athos
from switchboard.dialects.hum import webhooks as hum
from switchboard.dialects.opticomm import webhooks as opticomm
from switchboard.events.models import Event
from switchboard.webhooks.models import KindName, RenderedEvent

#: Returns the webhooks of an event with its current subject. The subject is `None` if it is deleted, or if no reader
#: has its type.
Renderer = Callable[[Event, Any], list[RenderedEvent]]
Places = Sequence[tuple[str, str]]


#: One row for each kind. A test finds a kind without a row.
RENDERERS: dict[KindName, Renderer] = {
    "anima": anima.render,
    "opticomm": opticomm.render,
    "athos": athos.render,
    "hum": hum.render,
}


#: The body of a test delivery in the words of a kind. The other kinds have the common one.
TEST_RENDERERS: dict[KindName, Callable[[Event], RenderedEvent]] = {"hum": hum.render_test}


def _messages(places: Places) -> Sequence[Any]:
    from switchboard.email import service as email  # for cold start: loaded for mail events only

    return email.find_heads(places)


def _calls(places: Places) -> Sequence[Any]:
    from switchboard.calls import service as calls  # for cold start, as above

    return calls.find_calls(places)


def _roleplay_calls(places: Places) -> Sequence[Any]:
    from switchboard.roleplay import calls as roleplay  # for cold start, as above

    return roleplay.find_calls(places)


def _voicemails(places: Places) -> Sequence[Any]:
    from switchboard.voicemails import service as voicemails  # for cold start, as above

    return voicemails.find_voicemails(places)


def _conversations(places: Places) -> Sequence[Any]:
    from switchboard.messaging import conversation_lists  # for cold start, as above

    return conversation_lists.find_conversations(places)


def _texts(places: Places) -> Sequence[Any]:
    from switchboard.messaging import conversation_lists  # for cold start, as above

    return conversation_lists.find_texts([(org_id, *place.split("#")) for org_id, place in places])  # type: ignore[misc]


def _numbers(places: Places) -> Sequence[Any]:
    """Returns our own numbers by id, and numbers of contacts by digest."""
    from switchboard.compliance import ledgers  # for cold start, as above
    from switchboard.numbers import service as numbers

    own = [place for place in places if place[1].startswith("num_")]
    others = [place for place in places if place not in own]
    found: dict[tuple[str, str], Any] = dict(zip(own, numbers.find_numbers(own) if own else (), strict=True))
    found |= dict(zip(others, ledgers.find_digested_numbers(others) if others else (), strict=True))
    return [found[place] for place in places]


def _leads(places: Places) -> Sequence[Any]:
    from switchboard.widgets import service as widgets  # for cold start, as above

    return widgets.find_leads([(org_id, *place.split("#")) for org_id, place in places])  # type: ignore[misc]


def _brands(places: Places) -> Sequence[Any]:
    from switchboard.brands import service as brands  # for cold start, as above

    return brands.find_brands(places)


def _firings(places: Places) -> Sequence[Any]:
    from switchboard.triggers import firing  # for cold start, as above

    return firing.find_reported_firings(places)


def _tool_approvals(places: Places) -> Sequence[Any]:
    from switchboard.tool_approvals import service as tool_approvals  # for cold start, as above

    return tool_approvals.find_approvals(places)


#: The reader of each type of subject. Events of other types contain everything that their webhooks need.
_READERS: dict[str, Callable[[Places], Sequence[Any]]] = {
    "message": _messages,
    "call": _calls,
    "roleplay_call": _roleplay_calls,
    "voicemail": _voicemails,
    "conversation": _conversations,
    "text": _texts,
    "number": _numbers,
    "widget_lead": _leads,
    "brand": _brands,
    # A campaign is a part of its brand.
    "brand_campaign": _brands,
    "trigger": _firings,
    "tool_approval": _tool_approvals,
}


def _place_of(event: Event) -> str:
    """Returns the id by which an event's subject is read: texts, leads and firings are parts of other things."""
    if event.type == "trigger.fired":
        return f"{event.subject.id}#{event.data['firing']}"
    if event.subject.type == "text":
        return f"{event.data['conversation']}#{event.subject.id}"
    if event.subject.type == "widget_lead":
        return f"{event.data['token']}#{event.subject.id}"
    return event.subject.id


@dataclass(frozen=True, slots=True)
class Subjects:
    """The current subjects of a batch of events."""

    found: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    def of(self, event: Event) -> Any:
        """Returns the subject of an event, `None` if it is deleted or has no reader."""
        return self.found.get((event.org_id, event.subject.type, _place_of(event)))


def read_subjects(events: Sequence[Event]) -> Subjects:
    """Returns the subjects of up to 100 events. Sends one read request for each type of subject."""
    found: dict[tuple[str, str, str], Any] = {}
    for type_, read in _READERS.items():
        places = list(
            dict.fromkeys((event.org_id, _place_of(event)) for event in events if event.subject.type == type_)
        )
        for (org_id, id_), thing in zip(places, read(places) if places else (), strict=True):
            found[org_id, type_, id_] = thing
    return Subjects(found)
