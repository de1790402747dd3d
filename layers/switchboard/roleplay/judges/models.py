"""The models of judging: turns of a transcript, and marks with their evidence."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class PracticeSpeaker(StrEnum):
    """The side that spoke."""

    REP = "rep"
    PERSONA = "persona"


class PracticeTurn(BaseModel):
    """An utterance of one side. Turns are numbered from 0. Their reports may arrive in any order."""

    model_config = ConfigDict(frozen=True)

    number: int
    speaker: PracticeSpeaker
    text: str
    start_ms: int
    end_ms: int


class Evidence(BaseModel):
    """The place in the transcript where a criterion was met or broken: characters `start` to `end` of a turn."""

    model_config = ConfigDict(frozen=True)

    turn: int
    start: int
    end: int


class CriterionResult(BaseModel):
    """The result of one criterion: `points` out of `weight`."""

    model_config = ConfigDict(frozen=True)

    key: str
    title: str
    weight: int
    points: int
    evidence: list[Evidence] = Field(default_factory=list)
