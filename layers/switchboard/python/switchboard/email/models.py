"""A message, its states, and the moves between them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class State(StrEnum):
    """Where a message is. SENDING is the worker's claim: from there on the provider may have it."""

    QUEUED = "queued"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"


#: The legal moves. Whatever else is reported, late or twice, changes nothing. A message to several people that one of
#: them got may still bounce for another, which is why DELIVERED is not the end.
MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SENDING, State.FAILED}),
    State.SENDING: frozenset(
        {State.QUEUED, State.UNCONFIRMED, State.SENT, State.DELIVERED, State.BOUNCED, State.FAILED}
    ),
    State.UNCONFIRMED: frozenset({State.SENT, State.DELIVERED, State.BOUNCED, State.FAILED}),
    State.SENT: frozenset({State.DELIVERED, State.BOUNCED, State.FAILED}),
    State.DELIVERED: frozenset({State.BOUNCED}),
    State.BOUNCED: frozenset(),
    State.FAILED: frozenset(),
}


class Draft(BaseModel):
    """What a caller wants sent."""

    to: list[str]
    cc: list[str] = Field(default_factory=list)
    bcc: list[str] = Field(default_factory=list)
    subject: str
    body: str
    body_html: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    in_reply_to: str | None = None
    references: list[str] = Field(default_factory=list)
    agent_id: str | None = None


class Message(BaseModel):
    """A mail, and what has become of it. `version` counts its changes: each write names the one it follows."""

    id: str
    org_id: str
    agent_id: str
    kind: str = "mail"
    direction: str = "OUTBOUND"
    state: State = State.QUEUED
    version: int = 1
    from_address: str
    from_name: str
    to: list[str]
    cc: list[str] = Field(default_factory=list)
    bcc: list[str] = Field(default_factory=list)
    subject: str
    body: str
    body_html: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    in_reply_to: str | None = None
    references: list[str] = Field(default_factory=list)
    thread_id: str
    correlation_id: str
    external_id: str | None = None
    delivered_to: list[str] = Field(default_factory=list)
    bounced_to: list[str] = Field(default_factory=list)
    complained: list[str] = Field(default_factory=list)
    error: str | None = None
    created_at: str
    updated_at: str
    sent_at: str | None = None

    @property
    def recipients(self) -> list[str]:
        """Everyone it goes to, each once."""
        return list(dict.fromkeys([*self.to, *self.cc, *self.bcc]))

    def can_become(self, state: State) -> bool:
        """Whether that move is a legal one."""
        return state in MOVES[self.state]
