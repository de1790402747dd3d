"""The state of the AI in a conversation."""

from __future__ import annotations

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
