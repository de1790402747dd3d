"""The progress of the deletion of an organization."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

from switchboard.events.models import SystemActor


class Phase(StrEnum):
    """The phases of a deletion, in their order.

    `ending` ends all that acts or costs money, and `waiting` lets begun work end. `objects` and `rows` delete the data,
    and are repeated until nothing is found. An `erased` organization is looked through once more, for what came late.
    """

    ENDING = "ending"
    WAITING = "waiting"
    OBJECTS = "objects"
    ROWS = "rows"
    DONE = "done"


class Deletion(BaseModel):
    """The deletion of an organization. `version` counts its steps.

    `place` is the step of the phase: the number of an ending, a bucket, or a table. `position` is the place in a table.
    `found` counts what the current pass has deleted. `ended`, `objects` and `rows` count over all passes.
    """

    id: str
    org_id: str
    version: int = 1
    phase: Phase = Phase.ENDING
    place: int = 0
    position: dict[str, str] | None = None
    passes: int = 0
    found: int = 0
    ended: dict[str, int] = {}
    objects: int = 0
    rows: int = 0
    #: The reasons why things could not be ended yet, by their kind.
    trouble: dict[str, str] = {}
    #: When the next step is due, if it has to wait.
    due: str | None = None
    #: The origin of the deletion's changes.
    work: SystemActor
    created_at: str
    updated_at: str
    #: When a pass has found nothing more.
    erased_at: str | None = None
    completed_at: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.phase is Phase.DONE
