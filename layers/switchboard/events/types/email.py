"""Outgoing and incoming mails."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Contract, Count, Digest, EventType


class Mail(TypedDict):
    kind: Annotated[Code, "`mail`, or `system` for a mail from the platform itself."]
    recipients: Annotated[list[Digest], "The digests of the recipients that the event is about."]


class Complained(Mail):
    possible: Annotated[bool, "Whether it is unknown which of these recipients complained. Then none is suppressed."]


class Stopped(TypedDict):
    address: Annotated[Digest, "The digest of the address."]
    reason: Annotated[
        Code,
        "The reason: `bounce`, `complaint`, `unsubscribe` (one click), `reply` (a mail that asks to stop), or "
        "`manual`.",
    ]


class Failed(Mail):
    reason: Annotated[
        Code,
        "The reason: `unwritable`, `suppressed` (a recipient no longer gets mail), `suspended` (the organization), "
        "`key_revoked` (the key that sent the mail), `refused` (by the mail service), `no_room` (the mail service had "
        "no capacity in time), or `expired` (before the first attempt).",
    ]


class Received(Mail):
    sender: Annotated[Digest, "The digest of the sender's address."]
    message_id: Annotated[Digest | None, "The digest of the mail's Message-ID."]
    attachments: Annotated[Count, "The number of attached files."]
    dropped: Annotated[Count, "The number of files that were not stored."]
    verdicts: Annotated[dict[str, str], "The results of the receiving service: spam, virus, spf, dkim, dmarc."]
    spam: Annotated[bool, "Whether the mail counts as spam."]
    automatic: Annotated[str | None, "The reason why the mail counts as automatic, or null."]


class Labeled(TypedDict):
    labels: Annotated[Count, "The number of labels that the mail has now."]
    unread: Annotated[bool, "Whether one of the labels is `unread`."]


def _mail(
    name: str,
    about: str,
    told: str | None = None,
    starts: tuple[str, ...] = (),
    data: type[Mail] = Mail,
) -> EventType:
    # HUM has our own name.
    webhooks: dict[Contract, str] = {"anima": told, "hum": name} if told else {}
    return EventType(name, about, "message", data, channel="email", starts=starts, webhooks=webhooks)


TYPES = (
    _mail(
        "email.queued",
        "A mail was accepted for sending. For a mail from the platform itself this is the only event.",
        starts=("email",),
    ),
    _mail("email.sent", "The mail service accepted a mail.", "message.sent"),
    _mail("email.delivered", "A recipient's server accepted a mail.", "message.delivered"),
    _mail("email.bounced", "A recipient's server refused a mail.", "message.bounced"),
    _mail("email.complained", "A recipient reported a mail as spam.", data=Complained),
    _mail("email.failed", "A mail cannot be sent.", "message.failed", data=Failed),
    _mail("email.unconfirmed", "It is unknown whether the mail service accepted a mail."),
    EventType(
        "email.received",
        "A mail was received.",
        "message",
        Received,
        channel="email",
        webhooks={"anima": "message.received", "hum": "email.received"},
    ),
    EventType("email.suppressed", "Mail to an address was stopped.", "address", Stopped, channel="email"),
    EventType("email.unsuppressed", "Mail to an address was allowed again.", "address", Stopped, channel="email"),
    EventType("email.labelled", "The labels of a mail changed.", "message", Labeled, channel="email"),
)
