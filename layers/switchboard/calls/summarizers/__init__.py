"""The summarizers of talks: a language model, or rules without a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from switchboard.calls.summarizers.models import Party, TalkSummary, TalkTurn
from switchboard.carriers.language import RULES, RefusedError, ThrottledError, configured_model

__all__ = ["RULES", "RefusedError", "Summarizer", "ThrottledError", "choose_summarizer"]


class Summarizer(Protocol):
    """Summarizes talks."""

    @property
    def name(self) -> str:
        """The summarizer's name. It is stored with the summary."""

    def summarize(
        self, turns: Sequence[TalkTurn], schema: dict[str, Any] | None, party: Party = "caller"
    ) -> TalkSummary:
        """Summarizes a talk with a party, with the outcome by a schema.

        Raises ThrottledError if a later attempt may succeed, else RefusedError.
        """


def choose_summarizer(*, modeled: bool) -> Summarizer:
    """Returns the summarizer by the configured model, or by rules where none is configured.

    Without `modeled` it is always by rules, which cost nothing and give equal talks equal summaries.
    """
    model = configured_model() if modeled else None
    if model is None:
        from switchboard.calls.summarizers.rules import RuleSummarizer  # for cold start: one worker needs it

        return RuleSummarizer()
    from switchboard.calls.summarizers.model import ModelSummarizer  # for cold start, as above

    return ModelSummarizer(model)
