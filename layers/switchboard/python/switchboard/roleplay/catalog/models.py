"""What a drill is made of: personas, and a rubric of criteria, each with signs for judging without a language model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Criterion:
    """Something that a good rep does, or with `forbidden` does not do.

    `signs` are regular expressions over one of the rep's turns, whatever the case; `needed` of them, each once, are
    worth all the weight, and fewer a part of it. `within` counts the rep's first turns only.
    """

    key: str
    title: str
    weight: int
    guidance: str
    signs: tuple[str, ...]
    needed: int = 1
    within: int | None = None
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Rubric:
    """The criteria of a drill, and the name of just this edition of them."""

    name: str
    criteria: tuple[Criterion, ...]

    @property
    def weight(self) -> int:
        """What the criteria are worth together."""
        return sum(criterion.weight for criterion in self.criteria)


class Difficulty(StrEnum):
    """How hard a persona makes it."""

    BEGINNER = "Beginner"
    ADVANCED = "Advanced"
    ELITE = "Elite"


class Persona(BaseModel):
    """Whom the rep talks to: a character that the transport plays."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    #: A US state, by its two letters.
    state: str
    difficulty: Difficulty
    #: What the character knows of itself and lets out when asked, by subject: doctor, drug, worry …
    facts: dict[str, str]
