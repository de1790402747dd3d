"""What a drill is judged by: written criteria, each with the signs by which it can be told without a language model."""

from __future__ import annotations

from dataclasses import dataclass


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
