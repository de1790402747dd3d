"""The port to language models: a system prompt and a question go in, a text comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.kit import settings

__all__ = [
    "RULES",
    "HostedServer",
    "LanguageModel",
    "OutcomeUnknownError",
    "RefusedError",
    "ServerDialer",
    "ThrottledError",
    "configured_model",
]

#: The setting, and the maker's name in what is stored, where rules do the work of a model.
RULES = "rules"


class LanguageModel(Protocol):
    """Answers questions in text."""

    @property
    def name(self) -> str:
        """The model's name, which is kept with everything that it produced."""

    def ask_model(self, system: str, question: str, *, max_tokens: int) -> str:
        """Returns the model's answer. Raises ThrottledError if a later attempt may succeed, else RefusedError."""


class HostedServer(NamedTuple):
    """An MCP server of a customer that the vendor of a model dials, as the customer described it.

    `tools` are the only tools that the model may use, `None` for all of them. None of them needs an approval.
    """

    label: str
    description: str
    url: str | None
    connector_id: str | None
    headers: Mapping[str, str]
    tools: Sequence[str] | None


@runtime_checkable
class ServerDialer(Protocol):
    """A language model whose vendor dials MCP servers. Models without this method leave such servers out."""

    def ask_model_with_servers(
        self, system: str, question: str, servers: Sequence[HostedServer], *, max_tokens: int
    ) -> str:
        """Returns the model's answer, after the tools that it used.

        Raises ThrottledError only if the vendor has called no tool, and OutcomeUnknownError if it may have called one:
        the question is then not asked again. Raises RefusedError as `LanguageModel.ask_model` does.
        """


def _bedrock() -> LanguageModel:
    from switchboard.carriers.language.bedrock import Bedrock  # for cold start: a few workers need it

    return Bedrock(settings.text("BEDROCK_MODEL"))


_MODELS: dict[str, Callable[[], LanguageModel | None]] = {"bedrock": _bedrock, RULES: lambda: None}


def configured_model() -> LanguageModel | None:
    """Returns the model of the setting LANGUAGE_MODEL: `bedrock`, or `None` for `rules` (the default)."""
    return _MODELS[settings.text("LANGUAGE_MODEL", RULES)]()
