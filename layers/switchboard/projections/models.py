"""The definition of a projection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from switchboard.aws.writes import Writes
from switchboard.events.models import Event


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model that is derived from events, with the functions that build and remove it.

    `project` reads the items that it needs. It returns the subject that an event changes, with the writes of that
    change, or `None` if the event changes nothing. The order of the events must not matter. The writes raise
    `persistence.optimistic.StaleVersionError` if another event changed the subject between the read and the commit.

    `subjects` returns all subjects of an organization. `removal` returns the writes that remove a subject. They also
    raise `StaleVersionError` if an event changed the subject since the read.

    `lists_events` says whether the worker keeps a list of the applied events. A projection without such a list computes
    the subject from the present state of a thing, so that a repeated or late event changes nothing.
    """

    name: str
    project: Callable[[Event], tuple[str, Writes] | None]
    subjects: Callable[[str], Iterable[str]]
    removal: Callable[[str, str], Writes]
    lists_events: bool = True
