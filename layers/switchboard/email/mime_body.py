"""Finds a mail's texts and attachments in its parts."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Mime
from itertools import count

from switchboard.email import automatic, charsets, filenames
from switchboard.email.html_text import plain_text
from switchboard.email.mime_headers import decode_raw, unfold
from switchboard.email.mime_limits import (
    CHUNK_BYTES,
    MAX_ADDRESS_CHARACTERS,
    MAX_ATTACHMENT_BYTES,
    MAX_ATTACHMENTS,
    MAX_HTML_TEXTS,
    MAX_NAMED_PARTS,
)
from switchboard.email.mime_models import ParsedAttachment, ParsedMail
from switchboard.email.mime_structure import LENIENT_POLICY
from switchboard.email.models import DroppedAttachment

_REPORTED_ID = re.compile(rb"^(?:original-)?message-id:\s*(<[!-;=?-~]{1,996}>)", re.IGNORECASE | re.MULTILINE)
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64 and byte != ord("="))
#: A parameter's value. An encoded value (RFC 2231) has three parts: charset, language, bytes.
_Value = str | tuple[str | None, str | None, str]


class MailBody:
    """Sorts a mail's parts into text, HTML and attachments."""

    def __init__(self, found: ParsedMail) -> None:
        self._found = found
        #: Each readable part: the number of its alternative, whether it is HTML, and its text.
        self._read: list[tuple[int | None, bool, str]] = []
        self._bounce_fields: list[str] = []

    def read_parts(self, mime: Mime) -> None:
        for part, alternative in _leaves(mime):
            leaf = _Leaf.of(part)
            if part.get_content_maintype() == "multipart":
                # A multipart without a boundary: take its source as text.
                self._read.append((alternative, False, _text(leaf)))
            elif _is_body(leaf):
                self._read.append((alternative, leaf.kind == "text/html", _text(leaf)))
            else:
                self._add_attachment(leaf)
        htmls = [text for _, is_html, text in self._read if is_html]
        self._found.html = "\n".join(htmls) if htmls else None
        self._found.text = "\n".join(self._plain_texts())

    def _plain_texts(self) -> Iterator[str]:
        """Yields the plain text: the plain part of each alternative, and all other parts in their order."""
        plain = {number for number, is_html, text in self._read if not is_html and text.strip()}
        has_html = any(is_html for _, is_html, _ in self._read)
        room = MAX_HTML_TEXTS
        for number, is_html, text in self._read:
            if not is_html:
                # Skip an empty text beside an HTML part.
                if text.strip() or not has_html:
                    yield text
            elif (number is None or number not in plain) and room:
                room -= 1
                yield plain_text(text)

    def _add_attachment(self, leaf: _Leaf) -> None:
        found, part = self._found, leaf.part
        number = len(found.attachments) + len(found.dropped) + 1
        kind = filenames.valid_media_type(leaf.kind)
        name = filenames.safe_filename(leaf.filename, kind, number)
        if len(found.attachments) >= MAX_ATTACHMENTS:
            self._note_dropped(name, kind, None, "too_many")
            return
        try:
            content = _content(part)
        except Exception:  # noqa: BLE001 the library's generator and decoders raise on some malformed parts
            self._note_dropped(name, kind, None, "unreadable")
            return
        if kind in automatic.REPORT_TYPES:
            found.bounce = found.bounce or automatic.parse_bounce(content)
        if found.report_of is None and kind in automatic.REPORTED_MAIL_TYPES:
            reported = _REPORTED_ID.search(content[:CHUNK_BYTES])
            found.report_of = reported[1].decode("ascii") if reported else None
        if len(content) > MAX_ATTACHMENT_BYTES:
            self._note_dropped(name, kind, len(content), "too_large")
            return
        content_id = charsets.cut_bytes(unfold(part.get("content-id", "")).strip("<> "), MAX_ADDRESS_CHARACTERS) or None
        inline = leaf.disposition == "inline" or bool(content_id and leaf.disposition != "attachment")
        found.attachments.append(ParsedAttachment(name, kind, content, content_id, inline))

    def _note_dropped(self, name: str, kind: str, size: int | None, reason: str) -> None:
        if len(self._found.dropped) < MAX_NAMED_PARTS:
            self._found.dropped.append(DroppedAttachment(filename=name, mime_type=kind, size=size, reason=reason))


def _leaves(mime: Mime) -> Iterator[tuple[Mime, int | None]]:
    """Yields the content parts in order, each with the number of its outermost alternative.

    A mail inside a mail is one part.
    """
    waiting: list[tuple[Mime, int | None]] = [(mime, None)]
    alternatives = count()
    while waiting:
        part, number = waiting.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            if number is None and part.get_content_subtype() == "alternative":
                number = next(alternatives)
            waiting.extend((inner, number) for inner in reversed(_inside(part)))
        else:
            yield part, number


def _inside(part: Mime) -> list[Mime]:
    return [one for one in part.get_payload() if isinstance(one, Mime)]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A content part with the facts from its headers, each parsed once."""

    part: Mime
    kind: str
    disposition: str | None
    filename: str | None
    charset: str | None

    @classmethod
    def of(cls, part: Mime) -> _Leaf:
        of_type, of_disposition = (_parameters(part, name) for name in ("content-type", "content-disposition"))
        filename = _text_of(of_disposition.get("filename")) or _text_of(of_type.get("name"))
        return cls(
            part,
            kind=part.get_content_type(),
            disposition=part.get_content_disposition(),
            filename=charsets.decode_words(filename) if filename else None,
            charset=_text_of(of_type.get("charset")),
        )


def _parameters(part: Mime, header: str) -> dict[str, _Value]:
    """Returns the parameters of a header by name. If a parameter is repeated, the first counts."""
    found: dict[str, _Value] = {}
    for name, value in part.get_params([], header=header):
        found.setdefault(name.lower(), value)
    return found


def _text_of(value: _Value | None) -> str | None:
    if isinstance(value, tuple):
        return charsets.decode(value[2].encode("latin-1", "replace"), value[0])
    return decode_raw(value) if value else None


def _is_body(leaf: _Leaf) -> bool:
    return (
        leaf.kind in ("text/plain", "text/html")
        and leaf.disposition != "attachment"
        and not leaf.filename
        and not leaf.part.is_multipart()
    )


def _text(leaf: _Leaf) -> str:
    return charsets.decode(_decoded(leaf.part), leaf.charset).replace("\r\n", "\n")


def _decoded(part: Mime) -> bytes:
    payload = part.get_payload()
    if part.get("content-transfer-encoding") == "base64" and isinstance(payload, str):
        return _from_base64(payload.encode("ascii", "surrogateescape"))
    try:
        data = part.get_payload(decode=True)
    except ValueError:
        # The library looks up the charset too, and raises if its name has unusual characters.
        del part["content-type"]
        data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _from_base64(data: bytes) -> bytes:
    """Decodes base64, also a sequence of pieces that each have padding of their own."""
    pieces = data.translate(None, delete=_NOT_BASE64).split(b"=")
    # A single remaining base64 character does not encode a byte.
    whole = (piece[:-1] if len(piece) % 4 == 1 else piece for piece in pieces)
    return b"".join(binascii.a2b_base64(piece + b"=" * (-len(piece) % 4)) for piece in whole if piece)


def _content(part: Mime) -> bytes:
    if not part.is_multipart():
        return _decoded(part)
    content = b"\r\n".join(one.as_bytes(policy=LENIENT_POLICY) for one in _inside(part))
    if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
        # Base64 is forbidden for a mail in a mail, but some mailers use it. The parser read it as headers or text.
        holder = Mime()
        holder["Content-Transfer-Encoding"] = "base64"
        holder.set_payload(content.strip().decode("ascii", "replace"))
        return _decoded(holder)
    return content
