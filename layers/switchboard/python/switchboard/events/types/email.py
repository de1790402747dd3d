"""Mails, out and in."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType


class Mail(TypedDict):
    kind: Annotated[Code, "`mail`, or `system` for a mail of the platform's own."]
    recipients: Annotated[list[Digest], "The digests of the recipients that the event is about."]


class Complained(Mail):
    possible: Annotated[bool, "Whether one of these recipients complained, and nobody knows which: none is suppressed."]


class Stopped(TypedDict):
    address: Annotated[Digest, "The digest of the address."]
    reason: Annotated[
        Code,
        "Why mail to it stopped: `bounce`, `complaint`, `unsubscribe` (one click), `reply` (a mail that asks to stop), "
        "or `manual`.",
    ]


class Failed(Mail):
    reason: Annotated[
        Code,
        "`unwritable`, `suppressed` (a recipient gets no more mail by now), `suspended` (the organization is), "
        "`key_revoked` (of the key that sent it), `refused` by the mail service, `no_room` there in "
        "time, or `expired` before it was tried.",
    ]


class Received(Mail):
    sender: Annotated[Digest, "The digest of the sender's address."]
    message_id: Annotated[Digest | None, "The digest of the mail's Message-ID."]
    attachments: Annotated[Count, "How many files came with it."]
    dropped: Annotated[Count, "How many files were not kept."]
    verdicts: Annotated[dict[str, str], "What the receiving service found: spam, virus, spf, dkim, dmarc."]
    spam: Annotated[bool, "Whether the mail counts as spam."]
    automatic: Annotated[str | None, "Why the mail counts as sent by a machine."]


class Labelled(TypedDict):
    labels: Annotated[Count, "How many labels the mail has now."]
    unread: Annotated[bool, "Whether one of them is `unread`."]


def _mail(
    name: str,
    about: str,
    told: str | None = None,
    starts: tuple[str, ...] = (),
    data: type[Mail] = Mail,
) -> EventType:
    return EventType(
        name, about, "message", data, channel="email", starts=starts, webhooks={"anima": told} if told else {}
    )


TYPES = (
    _mail(
        "email.queued",
        "A mail was accepted for sending. Of a mail of the platform's own nothing more is told.",
        starts=("email",),
    ),
    _mail("email.sent", "The mail service took a mail.", "message.sent"),
    _mail("email.delivered", "A recipient's server took a mail.", "message.delivered"),
    _mail("email.bounced", "A recipient's server refused a mail.", "message.bounced"),
    _mail("email.complained", "A recipient reported a mail as spam.", data=Complained),
    _mail("email.failed", "A mail cannot be sent.", "message.failed", data=Failed),
    _mail("email.unconfirmed", "Whether the mail service took a mail is unknown."),
    EventType(
        "email.received",
        "A mail came in.",
        "message",
        Received,
        channel="email",
        webhooks={"anima": "message.received"},
    ),
    EventType("email.suppressed", "Mail to an address was stopped.", "address", Stopped, channel="email"),
    EventType("email.unsuppressed", "Mail to an address is sent again.", "address", Stopped, channel="email"),
    EventType("email.labelled", "The labels of a mail changed.", "message", Labelled, channel="email"),
)
