"""The judges of transcripts: a language model, or the patterns (signs) of a rubric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from switchboard.carriers.language import RefusedError, ThrottledError
from switchboard.kit import settings
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


def _by_bedrock() -> Judge:
    from switchboard.carriers.language.bedrock import Bedrock  # for cold start: loaded by the scoring worker only
    from switchboard.roleplay.judges.model import ModelJudge

    return ModelJudge(Bedrock(settings.text("BEDROCK_MODEL")))


def _by_signs() -> Judge:
    from switchboard.roleplay.judges.signs import SignJudge  # for cold start, as above

    return SignJudge()


_JUDGES: dict[str, Callable[[], Judge]] = {"bedrock": _by_bedrock, "rules": _by_signs}


def configured_judge() -> Judge:
    """Returns the judge of the setting LANGUAGE_MODEL: `bedrock`, or `rules` (the default), which needs no model."""
    return _JUDGES[settings.text("LANGUAGE_MODEL", "rules")]()
