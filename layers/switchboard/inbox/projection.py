"""Counts the things of an inbox from the events of their creation (`switchboard.projections`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from switchboard.aws.writes import Writes
from switchboard.inbox import service
from switchboard.inbox.models import InboxThing


@dataclass(frozen=True, slots=True)
class InboxProjection:
    """The projection of one kind of things. Each thing is a subject, so that things do not wait for each other."""

    kind: str

    def project_thing(self, org_id: str, thing: InboxThing) -> tuple[str, Writes] | None:
        """Returns a thing's subject and the writes that count it. `None` if it is counted or removed already."""
        writes = service.count_thing_writes(org_id, self.kind, thing)
        return (thing.place, writes) if writes else None

    def subjects(self, org_id: str) -> Iterator[str]:
        """Returns the subjects of all counted things."""
        return (thing.place for thing in service.list_things(org_id, self.kind))

    def removal_writes(self, org_id: str, subject: str) -> Writes:
        """Returns the writes that end the count of a thing. The flags of members stay, for the next count."""
        return service.uncount_thing_writes(org_id, self.kind, InboxThing.of_place(subject))
