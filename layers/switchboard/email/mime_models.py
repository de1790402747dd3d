"""A parsed mail and its attachments."""

from __future__ import annotations

from dataclasses import dataclass, field

from switchboard.email.models import BounceReport, DroppedAttachment


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """A part that is not the mail's text. `inline` says that the HTML shows the part by its `content_id`."""

    filename: str
    media_type: str
    content: bytes
    content_id: str | None
    inline: bool


@dataclass(slots=True)
class ParsedMail:
    """The content of a parsed mail. The sender chose all addresses and headers: none of them is verified."""

    message_id: str | None = None
    from_address: str = ""
    from_name: str = ""
    to: list[str] = field(default_factory=list)
    cc: list[str] = field(default_factory=list)
    reply_to: list[str] = field(default_factory=list)
    #: The recipients, for mail without a known envelope: from the headers that forwarders add, else from To and Cc.
    recipients: list[str] = field(default_factory=list)
    subject: str = ""
    date: str | None = None
    text: str = ""
    html: str | None = None
    in_reply_to: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    attachments: list[ParsedAttachment] = field(default_factory=list)
    dropped: list[DroppedAttachment] = field(default_factory=list)
    #: The reason why a machine must not answer the mail, from its headers.
    automatic: str | None = None
    bounce: BounceReport | None = None
    #: The Message-ID of the reported mail, if this mail is a report.
    report_of: str | None = None
    #: Whether the structure could not be read. The mail is then shown as its source text.
    broken: bool = False
