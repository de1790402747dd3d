"""The models of answers to texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

#: The latest answers that the state of a conversation keeps, for the limits.
MAX_KEPT_ANSWERS = 60


class Line(NamedTuple):
    """One text of a conversation, as a replier reads it."""

    by_us: bool
    text: str


class ToolCall(NamedTuple):
    """A tool that a replier calls: its name, and the arguments as JSON values."""

    name: str
    arguments: dict[str, Any]


class ToolResult(NamedTuple):
    """What a tool answered: a text for the replier, and whether the tool did its work."""

    name: str
    text: str
    done: bool


class Prompt(NamedTuple):
    """What a replier knows: the flow's instructions, the texts, its tools, and the results of its tools so far."""

    organization: str
    flow_name: str
    greeting: str
    instructions: str
    outcome_schema: Mapping[str, Any] | None
    lines: Sequence[Line]
    tools: Sequence[Mapping[str, Any]]
    results: Sequence[ToolResult] = ()
    #: Whether no tool may be called any more.
    is_last: bool = False


class Answer(NamedTuple):
    """The answer of a replier: a text, tools to call first, or neither."""

    text: str | None = None
    calls: Sequence[ToolCall] = ()


class AnswerState(BaseModel):
    """What the platform knows about its answers in a conversation. `version` counts its changes.

    `answered_through` is the latest text that has its answer. `answered_at` has the times of the latest answers, the
    newest last.
    """

    org_id: str
    conversation_id: str
    version: int = 1
    answered_through: str | None = None
    answered_at: list[str] = Field(default_factory=list)
    #: The flow that has the conversation, if a tool handed it to another flow.
    flow_id: str | None = None

    @property
    def id(self) -> str:
        """The id of the conversation."""
        return self.conversation_id
