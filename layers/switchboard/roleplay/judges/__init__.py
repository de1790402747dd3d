"""The judges of transcripts: a language model, or the patterns (signs) of a rubric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from switchboard.carriers.language import RefusedError, ThrottledError, configured_model
from switchboard.roleplay.catalog.models import Rubric
from switchboard.roleplay.judges.models import CriterionResult, PracticeTurn

__all__ = ["Judge", "Judgment", "RefusedError", "ThrottledError", "configured_judge"]


class Judgment(NamedTuple):
    """The result of judging: one mark for each criterion in the rubric's order, and texts for the rep."""

    marks: list[CriterionResult]
    summary: str
    feedback: str


class Judge(Protocol):
    """Judges transcripts of practice calls."""

    @property
    def name(self) -> str:
        """The judge's name. It is stored with the score."""

    def judge_transcript(self, rubric: Rubric, turns: Sequence[PracticeTurn]) -> Judgment:
        """Judges a transcript by a rubric. Raises ThrottledError if a later attempt may succeed, else RefusedError."""


def configured_judge() -> Judge:
    """Returns the judge by the configured model, or by the signs of a rubric, which needs no model."""
    model = configured_model()
    if model is None:
        from switchboard.roleplay.judges.signs import SignJudge  # for cold start: loaded by the scoring worker only

        return SignJudge()
    from switchboard.roleplay.judges.model import ModelJudge  # for cold start, as above

    return ModelJudge(model)
