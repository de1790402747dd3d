"""Builds an outgoing mail as bytes: headers and content. This module writes every byte itself, without a library."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable

from switchboard.carriers.mail import OutgoingMail
from switchboard.email import outgoing_headers
from switchboard.email.models import Message
from switchboard.email.outgoing_headers import MailHeader
from switchboard.email.people import Person
from switchboard.kit import texts

_LONGEST_LINE = 998
#: ASCII characters that every relay forwards unchanged.
_SEVEN_BITS = re.compile(r"[\t\n -~]*")


def compose_mail(message: Message, more: Iterable[MailHeader] = ()) -> OutgoingMail:
    """Builds the mail for a carrier, with `more` headers of ours. Only the envelope names recipients of blind copies.

    Raises ValueError if the message cannot be written as a mail.
    """
    head = outgoing_headers.header_bytes([*_headers(message), *more])
    return OutgoingMail(
        org_id=message.org_id,
        message_id=message.id,
        sender=message.from_address,
        recipients=message.recipients,
        content=head + _content(message),
    )


def _headers(message: Message) -> list[MailHeader]:
    found = [
        outgoing_headers.mailboxes_header("From", [Person(message.from_name, message.from_address)]),
        outgoing_headers.addresses_header("To", message.to),
        outgoing_headers.addresses_header("Cc", message.cc),
        outgoing_headers.text_header("Subject", message.subject),
        outgoing_headers.message_ids_header("In-Reply-To", [message.in_reply_to] if message.in_reply_to else []),
        outgoing_headers.message_ids_header("References", message.references),
        # Mark the mail as automatic, so that no machine answers it (RFC 3834, 5).
        outgoing_headers.text_header("Auto-Submitted", "auto-replied" if message.is_answer else "auto-generated"),
        *(outgoing_headers.customer_header(name, value) for name, value in message.headers.items()),
        ("MIME-Version", "1.0"),
    ]
    return [(name, value) for name, value in found if value or name == "Subject"]


def _content(message: Message) -> bytes:
    """Returns the content headers and the content, which follow the headers of the mail itself."""
    text = _part(message.body, "plain")
    if not message.body_html:
        return text
    html = _part(message.body_html, "html")
    # The boundary is a digest, so the text cannot contain it: no text contains its own digest.
    boundary = "=_" + texts.digest("\x1f".join((message.id, message.body, message.body_html)))[:40]
    mark = f"--{boundary}".encode()
    head = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode()
    return b"".join((head, mark, b"\r\n", text, b"\r\n", mark, b"\r\n", html, b"\r\n", mark, b"--\r\n"))


def _part(text: str, subtype: str) -> bytes:
    """Returns a text part with its headers, in 7-bit form. Some relays do not support 8-bit content and lose it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = _SEVEN_BITS.fullmatch(text) and all(len(line) <= _LONGEST_LINE for line in text.split("\n"))
    encoding = "7bit" if plain else "quoted-printable"
    data = text.encode() if plain else binascii.b2a_qp(text.encode(), istext=True)
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + data.replace(b"\n", b"\r\n") + b"\r\n"
