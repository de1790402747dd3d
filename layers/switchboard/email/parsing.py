"""Parses a received mail. Pure: it does not call AWS, and no input makes it raise.

The standard library parses the structure with its older policy. The default policy parses every header by a grammar: it
raises on some malformed headers, and takes seconds for long headers and for many parts. This module shortens headers
and decodes them from their source.
"""

from __future__ import annotations

from dataclasses import replace
from email.message import Message as Mime
from itertools import takewhile

from switchboard.email import automatic, charsets, filenames
from switchboard.email.mime_body import MailBody
from switchboard.email.mime_headers import MESSAGE_ID, MailHeaders, parse_date
from switchboard.email.mime_limits import (
    MAX_BESIDE,
    MAX_HEADER_BYTES,
    MAX_NAMES_BYTES,
    MAX_REFERENCES,
    MAX_SUBJECT_CHARACTERS,
)
from switchboard.email.mime_models import ParsedMail
from switchboard.email.mime_structure import is_hopeless, parse_structure, without_structure


def parse_mail(raw: bytes) -> ParsedMail:
    """Parses a mail. Reads a malformed mail as far as possible, and a hopeless mail as text. Never raises."""
    if is_hopeless(raw):
        return parse_headers_only(raw)
    try:
        return _parsed(parse_structure(raw))
    except Exception:  # noqa: BLE001 RecursionError, and any error of the library on malformed structure
        return parse_headers_only(raw)


def parse_headers_only(raw: bytes) -> ParsedMail:
    """Parses only the headers of a mail, and returns the rest as text."""
    head, _, rest = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    try:
        found = _parsed(parse_structure(without_structure(head[: 16 * MAX_HEADER_BYTES]) + b"\n\n"))
    except Exception:  # noqa: BLE001 as above
        found = ParsedMail()
    found.text, found.broken = charsets.decode(rest, None), True
    return found


def _parsed(mime: Mime) -> ParsedMail:
    headers = MailHeaders(mime)
    found = ParsedMail(
        message_id=headers.message_id(),
        subject=charsets.cut_bytes(
            charsets.decode_words(headers.first_value("subject")).strip(), MAX_SUBJECT_CHARACTERS
        ),
        date=parse_date(headers.first_value("date")),
        in_reply_to=MESSAGE_ID.findall(headers.first_value("in-reply-to"))[:MAX_REFERENCES],
        references=shorten_references(MESSAGE_ID.findall(headers.first_value("references"))),
        headers=headers.shown_headers(),
        automatic=automatic.automatic_reason(headers.first_value, len(headers.values_of("received"))),
    )
    senders = headers.people_of("from") or headers.people_of("sender")
    if senders:
        found.from_name, found.from_address = senders[0]
    found.to, found.cc, found.reply_to = (headers.addresses_of(name) for name in ("to", "cc", "reply-to"))
    found.recipients = next(
        (given for name in ("x-original-to", "delivered-to") if (given := headers.addresses_of(name))),
        [*found.to, *found.cc],
    )
    MailBody(found).read_parts(mime)
    _fit(found)
    if mime.get_content_type() == "multipart/report":
        found.automatic = found.automatic or "report"
    else:
        # The mail is not a report itself: its parts may be a forwarded report about another mail.
        found.bounce = found.report_of = None
    return found


def _fit(found: ParsedMail) -> None:
    """Limits the size of names: drop people that do not fit, and name files by numbers if their names do not fit."""
    room = MAX_NAMES_BYTES

    def takes(text: str | None) -> bool:
        nonlocal room
        room -= len((text or "").encode()) + MAX_BESIDE
        return room >= 0

    found.to, found.cc, found.reply_to = (
        list(takewhile(takes, people_)) for people_ in (found.to, found.cc, found.reply_to)
    )
    for number, one in enumerate(found.attachments, start=1):
        filename = one.filename if takes(one.filename) else filenames.safe_filename(None, one.media_type, number)
        content_id = one.content_id if takes(one.content_id) else None
        found.attachments[number - 1] = replace(one, filename=filename, content_id=content_id)
    for dropped in found.dropped:
        if not takes(dropped.filename):
            dropped.filename = filenames.safe_filename(None, dropped.mime_type, 0)


def shorten_references(ids: list[str]) -> list[str]:
    """Shortens a list of Message-IDs: keeps the first, which began the thread, and the newest, as mailers do."""
    return ids if len(ids) <= MAX_REFERENCES else [ids[0], *ids[1 - MAX_REFERENCES :]]
