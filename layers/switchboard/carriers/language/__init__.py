"""The port to language models: a system prompt and a question go in, a text comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from switchboard.carriers.outcomes import RefusedError, ThrottledError
from switchboard.kit import settings

__all__ = ["RULES", "LanguageModel", "RefusedError", "ThrottledError", "configured_model"]

#: The setting, and the maker's name in what is stored, where rules do the work of a model.
RULES = "rules"


class LanguageModel(Protocol):
    """Answers questions in text."""

    @property
    def name(self) -> str:
        """The model's name, which is kept with everything that it produced."""

    def ask_model(self, system: str, question: str, *, max_tokens: int) -> str:
        """Returns the model's answer. Raises ThrottledError if a later attempt may succeed, else RefusedError."""


def _bedrock() -> LanguageModel:
    from switchboard.carriers.language.bedrock import Bedrock  # for cold start: a few workers need it

    return Bedrock(settings.text("BEDROCK_MODEL"))


_MODELS: dict[str, Callable[[], LanguageModel | None]] = {"bedrock": _bedrock, RULES: lambda: None}


def configured_model() -> LanguageModel | None:
    """Returns the model of the setting LANGUAGE_MODEL: `bedrock`, or `None` for `rules` (the default)."""
    return _MODELS[settings.text("LANGUAGE_MODEL", RULES)]()
