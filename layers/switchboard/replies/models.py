"""The state of the AI in a conversation."""

from __future__ import annotations

from pydantic import BaseModel, Field

#: The latest answers that the state of a conversation keeps, for the limits.
MAX_KEPT_ANSWERS = 60


class AnswerState(BaseModel):
    """The answers of the AI in a conversation so far. `version` counts the changes.

    `answered_through` is the latest text that has its answer. `answered_at` has the times of the latest answers, the
    newest last.
    """

    org_id: str
    conversation_id: str
    version: int = 1
    answered_through: str | None = None
    answered_at: list[str] = Field(default_factory=list)

    @property
    def id(self) -> str:
        """The id of the conversation."""
        return self.conversation_id
