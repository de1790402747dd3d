"""Models of mail: messages, their states and the allowed changes of state."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from switchboard.usage.models import SpendingReceipt


class MailState(StrEnum):
    """The state of a message. SENDING is the worker's claim: from then on the provider may have the message."""

    QUEUED = "queued"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    #: The only state of a received mail.
    RECEIVED = "received"


#: The allowed changes of state. Other reports, late or repeated, change nothing. DELIVERED is not final: a message to
#: several people may reach one of them and bounce for another. BOUNCED is not final while no bounce is permanent: a
#: server may accept the mail later. Reports of permanent bounces keep the message bounced
#: (`switchboard.email.status`).
MAIL_TRANSITIONS: dict[MailState, frozenset[MailState]] = {
    MailState.QUEUED: frozenset({MailState.SENDING, MailState.FAILED}),
    MailState.SENDING: frozenset(
        {
            MailState.QUEUED,
            MailState.UNCONFIRMED,
            MailState.SENT,
            MailState.DELIVERED,
            MailState.BOUNCED,
            MailState.FAILED,
        }
    ),
    MailState.UNCONFIRMED: frozenset({MailState.SENT, MailState.DELIVERED, MailState.BOUNCED, MailState.FAILED}),
    MailState.SENT: frozenset({MailState.DELIVERED, MailState.BOUNCED, MailState.FAILED}),
    MailState.DELIVERED: frozenset({MailState.BOUNCED}),
    MailState.BOUNCED: frozenset({MailState.SENT, MailState.DELIVERED}),
    MailState.FAILED: frozenset(),
    MailState.RECEIVED: frozenset(),
}


def unique_addresses(addresses: Iterable[str]) -> list[str]:
    """Returns the addresses without duplicates, in their first spelling. Case does not distinguish recipients."""
    found: dict[str, str] = {}
    for address in addresses:
        found.setdefault(address.lower(), address)
    return list(found.values())


class MailDraft(BaseModel):
    """A mail that a caller wants to send."""

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
    """An address that gets no more mail from an organization, and the reason.

    The reason is one of bounce, complaint, unsubscribe (one click), reply (a mail that asks to stop) and manual.
    """

    address: str
    reason: str
    note: str | None = None
    created_by: str | None = None
    created_at: str


class Attachment(BaseModel):
    """A file of a received mail. `inline` says that the HTML shows the file by its content id."""

    id: str
    filename: str
    mime_type: str
    size: int
    key: str
    content_id: str | None = None
    inline: bool = False
    created_at: str


class DroppedAttachment(BaseModel):
    """A file of a received mail that was not stored.

    The reason is one of too_large, too_many, unreadable, virus and message_too_large.
    """

    filename: str
    mime_type: str
    size: int | None = None
    reason: str


class BounceReport(BaseModel):
    """The content of a delivery report. Its sender is not verified, so it does not change any state."""

    hard: bool
    status: str | None = None
    recipients: list[str] = Field(default_factory=list)


class Reception(BaseModel):
    """The facts about a received mail beside its content."""

    #: Our address that received the mail, and the sender in the envelope: "" means nobody (a report), `None` unknown.
    recipient: str
    sender: str | None = None
    reply_to: list[str] = Field(default_factory=list)
    #: SES's verdicts: spam, virus, spf, dkim, dmarc.
    verdicts: dict[str, str] = Field(default_factory=dict)
    #: The reason why a machine must not answer the mail; `None` if a person wrote it.
    automatic: str | None = None
    bounce: BounceReport | None = None
    dropped: list[DroppedAttachment] = Field(default_factory=list)
    #: Whether `body` and `body_html` are only the beginnings. The objects with these keys hold the complete texts.
    truncated: bool = False
    text_key: str | None = None
    html_key: str | None = None
    #: Whether the structure of the mail could not be read.
    broken: bool = False
    #: The key of the original mail, for as long as the bucket keeps it.
    raw_key: str


UNREAD, READ, SPAM = "unread", "read", "spam"


class MessageHead(BaseModel):
    """The changing part of a mail, with its owner and recipients. `version` counts the changes, for optimistic locking.

    `step` is the step of the head's last write, from which event numbers follow (`switchboard.email.status`).
    """

    id: str
    org_id: str
    #: The agent that owns the mail. The platform's own mail may have no agent.
    agent_id: str | None = None
    kind: str = "mail"
    direction: str = "OUTBOUND"
    state: MailState = MailState.QUEUED
    version: int = 1
    step: int = 1
    from_address: str = ""
    #: The head of a received mail names only our address that received it.
    to: list[str] = Field(default_factory=list)
    cc: list[str] = Field(default_factory=list)
    bcc: list[str] = Field(default_factory=list)
    subject: str = ""
    thread_id: str
    correlation_id: str
    external_id: str | None = None
    #: The step of the worker's latest claim.
    claim: int | None = None
    error: str | None = None
    created_at: str
    updated_at: str
    sent_at: str | None = None
    received_at: str | None = None
    #: Exactly one of `unread` and `read`, and any other labels.
    labels: list[str] = Field(default_factory=lambda: [READ])
    #: How many mails in a row, including this one, machines wrote, as far as known.
    turns: int = 0
    #: About how many bytes of a response the complete message takes.
    size: int = 0

    @property
    def recipients(self) -> list[str]:
        """All recipients, each once."""
        return unique_addresses([*self.to, *self.cc, *self.bcc])

    def can_become(self, state: MailState) -> bool:
        """Whether the state may change to `state`."""
        return state in MAIL_TRANSITIONS[self.state]


class Message(MessageHead):
    """A complete mail: its head and its content. The content never changes."""

    from_name: str = ""
    body: str = ""
    body_html: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    in_reply_to: str | None = None
    references: list[str] = Field(default_factory=list)
    attachments: list[Attachment] = Field(default_factory=list)
    #: Set for received mail only.
    reception: Reception | None = None

    #: The id of the API key that sent the mail. The mail is sent only while the key may send.
    key_id: str | None = None
    #: Our id of the mail that this one answers, if we know that mail.
    answers: str | None = None
    #: The usage counters that counted the recipients, so that a mail that is never sent can be refunded.
    receipt: SpendingReceipt | None = None

    @property
    def is_answer(self) -> bool:
        """Whether the mail answers another mail."""
        return bool(self.in_reply_to or self.answers)

    @model_validator(mode="after")
    def _measure(self) -> Self:
        if not self.size:
            said = self.model_dump(mode="json", exclude=set(MessageHead.model_fields))
            self.size = sum(len(json.dumps(part)) for part in (said, self.to, self.cc, self.bcc))
        return self

    @property
    def head(self) -> MessageHead:
        """The head without the content."""
        return MessageHead.model_construct(**{name: getattr(self, name) for name in MessageHead.model_fields})

    def with_head(self, head: MessageHead) -> Message:
        """Returns the mail with a newer head. Keeps the mail's own recipients."""
        kept = {"to", "cc", "bcc"}
        return self.model_copy(
            update={name: getattr(head, name) for name in MessageHead.model_fields if name not in kept},
        )
