"""A projection, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from switchboard.aws.table import Writes
from switchboard.events.models import Event


@dataclass(frozen=True, slots=True)
class Projection:
    """Something that is only shown, made from events, and how to make it and take it away.

    `project` reads what it needs and returns the subject that an event changes, with the writes of that change, or
    `None` where the event changes nothing. It gives the same whatever the order of the events. Its writes raise
    `kit.change.Moved` where another event came between its read and its commit.

    `subjects` names all subjects of an organization, and `removal` makes the writes that remove one, on the condition
    that no event changed it since (`Moved` again).
    """

    name: str
    project: Callable[[Event], tuple[str, Writes] | None]
    subjects: Callable[[str], Iterable[str]]
    removal: Callable[[str, str], Writes]
