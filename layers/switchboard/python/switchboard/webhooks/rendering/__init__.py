"""From an event to what a kind of webhook says of it.

A renderer answers what is to be told, in order: in an ordered kind the earlier ones are what must have been told of
the subject before, and are made again here if the event that they belong to has not come by yet.
"""

from __future__ import annotations

from collections.abc import Callable

from switchboard.aws import clock
from switchboard.events.models import Event
from switchboard.webhooks.models import KindName, Rendered
from switchboard.webhooks.rendering import anima, athos, opticomm

Renderer = Callable[[Event], list[Rendered]]

RENDERERS: dict[KindName, Renderer] = {
    "anima": anima.render,
    "opticomm": opticomm.render,
    "athos": athos.render,
}


def sequence_of(event: Event) -> int:
    """An event's place among its subject's: the subject's version, or the moment where it counts none."""
    if event.subject.version is not None:
        return event.subject.version
    return int(clock.parse(event.at).timestamp() * 1000)
