"""A message, its states, and the moves between them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from switchboard.usage.models import Receipt


class State(StrEnum):
    """Where a message is. SENDING is the worker's claim: from there on the provider may have it."""

    QUEUED = "queued"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    #: A mail that came in: it was never anything else.
    RECEIVED = "received"


#: The legal moves. Whatever else is reported, late or twice, changes nothing. A message to several people that one of
#: them got may still bounce for another, which is why DELIVERED is not the end. Nor is BOUNCED, as long as nobody's
#: bounce is for good: a server that refused the mail in passing may take it later. Who is gone is in the reports, which
#: keep such a mail where it is (switchboard.email.standing).
MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SENDING, State.FAILED}),
    State.SENDING: frozenset(
        {State.QUEUED, State.UNCONFIRMED, State.SENT, State.DELIVERED, State.BOUNCED, State.FAILED}
    ),
    State.UNCONFIRMED: frozenset({State.SENT, State.DELIVERED, State.BOUNCED, State.FAILED}),
    State.SENT: frozenset({State.DELIVERED, State.BOUNCED, State.FAILED}),
    State.DELIVERED: frozenset({State.BOUNCED}),
    State.BOUNCED: frozenset({State.SENT, State.DELIVERED}),
    State.FAILED: frozenset(),
    State.RECEIVED: frozenset(),
}


def each_once(addresses: Iterable[str]) -> list[str]:
    """The addresses, each in its first spelling. Two that differ in case alone are one recipient."""
    found: dict[str, str] = {}
    for address in addresses:
        found.setdefault(address.lower(), address)
    return list(found.values())


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


class Suppression(BaseModel):
    """An address that gets no more mail of an organization, and why.

    The reason is one of bounce, complaint, unsubscribe (one click), reply (a mail that asks to stop) and manual.
    """

    address: str
    reason: str
    note: str | None = None
    created_by: str | None = None
    created_at: str


class Attachment(BaseModel):
    """A file that came with a mail. `inline` is what its HTML shows, by the content id."""

    id: str
    filename: str
    mime_type: str
    size: int
    key: str
    content_id: str | None = None
    inline: bool = False
    created_at: str


class Dropped(BaseModel):
    """A file that came with a mail and was not kept: too_large, too_many, unreadable, virus, message_too_large."""

    filename: str
    mime_type: str
    size: int | None = None
    reason: str


class Bounce(BaseModel):
    """What a delivery report says. It is a stranger's word, and changes nothing by itself."""

    hard: bool
    status: str | None = None
    recipients: list[str] = Field(default_factory=list)


class Reception(BaseModel):
    """What is known of a mail that came in, beside what it says."""

    #: The address of ours that it came to, and who the envelope said it was from: "" is nobody, `None` not known.
    recipient: str
    sender: str | None = None
    reply_to: list[str] = Field(default_factory=list)
    #: SES' verdicts: spam, virus, spf, dkim, dmarc.
    verdicts: dict[str, str] = Field(default_factory=dict)
    #: Why no machine may answer it; `None` for what a person wrote.
    automatic: str | None = None
    bounce: Bounce | None = None
    dropped: list[Dropped] = Field(default_factory=list)
    #: Whether `body` and `body_html` are only the beginnings of what these objects hold.
    truncated: bool = False
    text_key: str | None = None
    html_key: str | None = None
    #: Whether its structure could not be read.
    broken: bool = False
    #: Where the mail lies as it came, for as long as the bucket keeps it.
    raw_key: str


UNREAD, READ, SPAM = "unread", "read", "spam"


class Head(BaseModel):
    """What changes of a mail, whose it is and to whom. `version` counts its changes: each write names the one before.

    `step` is the number of the last event that the head was written with (switchboard.email.standing).
    """

    id: str
    org_id: str
    #: Whose it is; the platform's own mail may be nobody's.
    agent_id: str | None = None
    kind: str = "mail"
    direction: str = "OUTBOUND"
    state: State = State.QUEUED
    version: int = 1
    step: int = 1
    from_address: str = ""
    #: Of a mail that came in, a head has the address of ours that it came to alone.
    to: list[str] = Field(default_factory=list)
    cc: list[str] = Field(default_factory=list)
    bcc: list[str] = Field(default_factory=list)
    subject: str = ""
    thread_id: str
    correlation_id: str
    external_id: str | None = None
    #: The step that the worker's latest claim made.
    claim: int | None = None
    error: str | None = None
    created_at: str
    updated_at: str
    sent_at: str | None = None
    received_at: str | None = None
    #: Exactly one of `unread` and `read`, and any others.
    labels: list[str] = Field(default_factory=lambda: [READ])
    #: How many mails in a row, this one included, were written by machines, as far as can be told.
    turns: int = 0
    #: About how many bytes of an answer the whole message takes.
    size: int = 0

    @property
    def recipients(self) -> list[str]:
        """Everyone it goes to, each once."""
        return each_once([*self.to, *self.cc, *self.bcc])

    def can_become(self, state: State) -> bool:
        """Whether that move is a legal one."""
        return state in MOVES[self.state]


class Message(Head):
    """A whole mail: its head, and what it says, which never changes."""

    from_name: str = ""
    body: str = ""
    body_html: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    in_reply_to: str | None = None
    references: list[str] = Field(default_factory=list)
    attachments: list[Attachment] = Field(default_factory=list)
    #: Of a mail that came in.
    reception: Reception | None = None

    #: The id of the key that sent it: it goes out only while the key may send.
    key_id: str | None = None
    #: Our id of the mail that it answers, where we know that.
    answers: str | None = None
    #: Where its recipients were counted, so that a mail that never leaves is given back there.
    receipt: Receipt | None = None

    @property
    def is_answer(self) -> bool:
        """Whether it answers another mail."""
        return bool(self.in_reply_to or self.answers)

    @model_validator(mode="after")
    def _measure(self) -> Self:
        if not self.size:
            said = self.model_dump(mode="json", exclude=set(Head.model_fields))
            self.size = sum(len(json.dumps(part)) for part in (said, self.to, self.cc, self.bcc))
        return self

    @property
    def head(self) -> Head:
        """The head alone."""
        return Head.model_construct(**{name: getattr(self, name) for name in Head.model_fields})

    def with_head(self, head: Head) -> Message:
        """The same mail, as a newer head has it."""
        kept = {"to", "cc", "bcc"}
        return self.model_copy(
            update={name: getattr(head, name) for name in Head.model_fields if name not in kept},
        )
