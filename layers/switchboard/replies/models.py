"""The state of the AI in a conversation, and the tools of its turns."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

#: The latest turns that the state of a conversation keeps, for the limits.
MAX_KEPT_TURNS = 60


class AnswerState(BaseModel):
    """The turns of the AI in a conversation so far. `version` counts the changes.

    `answered_through` is the latest text that has its answer. `turned_at` has the times of the latest turns that asked
    the writer, with or without an answer, and of follow-ups, the newest last.
    """

    org_id: str
    conversation_id: str
    version: int = 1
    answered_through: str | None = None
    turned_at: list[str] = Field(default_factory=list)
    #: The approvals of tools whose results have had their turn, the newest last.
    continued: list[str] = Field(default_factory=list)

    @property
    def id(self) -> str:
        """The id of the conversation."""
        return self.conversation_id


class RecordedCall(BaseModel):
    """A tool that the model called: its name, and the arguments as JSON values."""

    name: str
    arguments: dict[str, Any]


class ToolRound(BaseModel):
    """The tools that the model called in one round of a turn.

    `message_id` and `asked_at` are the newest text then, and its time. A later run of the turn may find a newer one.
    """

    number: int
    message_id: str
    asked_at: str
    calls: list[RecordedCall]


class TurnToolUse(BaseModel):
    """The use of a tool of others in a turn, at a place of a round. Without a result it is not known whether it ran."""

    round: int
    place: int
    started_at: str
    result: str | None = None
    done: bool = False
