"""The port to language models: a system prompt and a question go in, a text comes out."""

from __future__ import annotations

from typing import Protocol

from switchboard.carriers.outcomes import RefusedError, ThrottledError

__all__ = ["LanguageModel", "RefusedError", "ThrottledError"]


class LanguageModel(Protocol):
    """Answers questions in text."""

    @property
    def name(self) -> str:
        """The model's name, which is kept with everything that it produced."""

    def ask_model(self, system: str, question: str, *, max_tokens: int) -> str:
        """Returns the model's answer. Raises ThrottledError if a later attempt may succeed, else RefusedError."""
