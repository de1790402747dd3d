"""The summarizers of talks: a language model, or rules without a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from switchboard.calls.summarizers.models import Party, TalkSummary, TalkTurn
from switchboard.carriers.language import RefusedError, ThrottledError
from switchboard.kit import settings

__all__ = ["RULES", "RefusedError", "Summarizer", "ThrottledError", "choose_summarizer"]

#: The name of the summarizer that needs no model.
RULES = "rules"


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


def _by_bedrock() -> Summarizer:
    from switchboard.calls.summarizers.model import ModelSummarizer  # for cold start: one worker needs it
    from switchboard.carriers.language.bedrock import Bedrock  # for cold start, as above

    return ModelSummarizer(Bedrock(settings.text("BEDROCK_MODEL")))


def _by_rules() -> Summarizer:
    from switchboard.calls.summarizers.rules import RuleSummarizer  # for cold start, as above

    return RuleSummarizer()


_SUMMARIZERS: dict[str, Callable[[], Summarizer]] = {"bedrock": _by_bedrock, RULES: _by_rules}


def choose_summarizer(*, modeled: bool) -> Summarizer:
    """Returns the summarizer of the setting LANGUAGE_MODEL: `bedrock`, or `rules` (the default).

    Without `modeled` it is always `rules`, which costs nothing and gives equal talks equal summaries.
    """
    return _SUMMARIZERS[settings.text("LANGUAGE_MODEL", RULES) if modeled else RULES]()
