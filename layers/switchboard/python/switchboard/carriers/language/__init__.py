"""The port to language models: what is asked of one, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from switchboard.aws import settings
from switchboard.carriers.outcomes import Refused, Throttled
from switchboard.roleplay.models import Mark, Turn
from switchboard.roleplay.rubric import Rubric

__all__ = ["Judgement", "LanguageModel", "Refused", "Throttled", "model"]


class Judgement(NamedTuple):
    """A transcript, judged: a mark for every criterion of the rubric, in its order, and a few words for the rep."""

    marks: list[Mark]
    summary: str
    feedback: str


class LanguageModel(Protocol):
    """Reads and judges what people said."""

    @property
    def name(self) -> str:
        """The model's name, which is kept with what it judged."""

    def judge(self, rubric: Rubric, turns: Sequence[Turn]) -> Judgement:
        """Judge a transcript by a rubric. Raises Throttled where another moment may help, else Refused."""


def _bedrock() -> LanguageModel:
    from switchboard.carriers.language.bedrock import Bedrock

    return Bedrock(settings.text("BEDROCK_MODEL"))


def _rules() -> LanguageModel:
    from switchboard.carriers.language.rules import Rules

    return Rules()


_MODELS: dict[str, Callable[[], LanguageModel]] = {"bedrock": _bedrock, "rules": _rules}


def model() -> LanguageModel:
    """The model that the setting LANGUAGE_MODEL names: `bedrock`, or `rules` (the default), which asks nobody."""
    return _MODELS[settings.text("LANGUAGE_MODEL", "rules")]()
