"""Rubrics: the criteria of a drill. Each criterion has signs, which allow a score without a language model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Criterion:
    """An action that a good rep takes, or with `forbidden` avoids.

    `signs` are regular expressions for a turn of the rep, without regard to letter case. `needed` different signs give
    the full `weight`, and fewer give a part of it. With `within`, only that many first turns of the rep count.
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
    """The criteria of a drill, and the name of this edition."""

    name: str
    criteria: tuple[Criterion, ...]

    @property
    def weight(self) -> int:
        """The sum of the criteria's weights."""
        return sum(criterion.weight for criterion in self.criteria)


class Difficulty(StrEnum):
    """The difficulty of a persona."""

    BEGINNER = "Beginner"
    ADVANCED = "Advanced"
    ELITE = "Elite"


class Persona(BaseModel):
    """The character that the rep talks to. The transport plays it."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    #: A US state, as two letters.
    state: str
    difficulty: Difficulty
    #: Facts that the character tells when asked, by subject: doctor, drug, wish, doubt.
    facts: dict[str, str]
