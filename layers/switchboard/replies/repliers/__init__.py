"""The writers of answers to texts: a language model, or rules without a model."""

from __future__ import annotations

from typing import Protocol

from switchboard.carriers.language import RULES, OutcomeUnknownError, RefusedError, ThrottledError, configured_model
from switchboard.replies.repliers.models import Answer, Prompt

__all__ = [
    "MAX_REPLY_CHARACTERS",
    "RULES",
    "OutcomeUnknownError",
    "RefusedError",
    "Replier",
    "ThrottledError",
    "choose_replier",
    "dials_servers",
]

#: The longest answer: about three segments. A longer one is asked for again.
MAX_REPLY_CHARACTERS = 480


class Replier(Protocol):
    """Writes answers."""

    @property
    def name(self) -> str:
        """The writer's name."""

    def reply(self, prompt: Prompt) -> Answer:
        """Returns the answer to the latest texts, or the tools to call first.

        Raises ThrottledError if a later attempt may succeed, OutcomeUnknownError if a vendor may have run tools for an
        answer that is lost, else RefusedError.
        """


def dials_servers(writer: Replier) -> bool:
    """Whether a writer uses the MCP servers that the vendor of its model dials."""
    return bool(getattr(writer, "dials_servers", False))


def choose_replier() -> Replier:
    """Returns the writer by the configured model, or by rules where none is configured."""
    model = configured_model()
    if model is None:
        from switchboard.replies.repliers.rules import RuleReplier  # for cold start: one worker needs it

        return RuleReplier()
    from switchboard.replies.repliers.model import ModelReplier  # for cold start, as above

    return ModelReplier(model)
