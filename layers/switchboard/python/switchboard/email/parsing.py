"""Parses a received mail. Pure: it does not call AWS, and no input makes it raise.

The standard library parses the structure with its older policy. The default policy parses every header by a grammar: it
raises on some malformed headers, and takes seconds for long headers and for many parts. This module shortens headers
and decodes them from their source.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.message import Message as Mime
from email.parser import BytesFeedParser
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from itertools import count, islice, takewhile

from switchboard.aws import clock
from switchboard.email import automatic, charsets, filenames, people
from switchboard.email.html_text import text_of
from switchboard.email.models import Bounce, Dropped

#: The largest attachment in bytes, the number of attachments, and how many dropped attachments are listed.
MAX_ATTACHMENT = 25 * 1024 * 1024
MAX_ATTACHMENTS = 50
_MAX_NAMED = 50
#: The limits of lines and steps. A larger mail is not meant for a reader and would take minutes: see `_is_hopeless`.
_MAX_LINES, _MAX_STEPS = 2_000_000, 100_000_000
_MAX_HEADERS, _MAX_HEADER, _MAX_MIME_HEADER = 500, 32_768, 4_096
#: How many parameters of a MIME header are kept. The library checks for each semicolon whether it is quoted.
_MAX_PARAMETERS = 64
#: How many headers of one name are parsed for people. RFC 5322 allows one.
_MAX_SAME = 20
#: The limits for headers in a mail's item, which holds at most 400 KB in total. Sizes are in bytes.
_MAX_PEOPLE, _MAX_ADDRESS, _MAX_SUBJECT, _MAX_REFERENCES = 100, 320, 998, 20
_MAX_SHOWN_HEADERS, _MAX_SHOWN_HEADER, _MAX_SHOWN = 60, 2_000, 16_384
#: How many bytes all people, file names and content ids may have together, and the overhead of each in the item.
_MAX_NAMES, _BESIDE = 96 * 1024, 16
_CHUNK = 65_536
#: From how many HTML parts text is extracted.
_MAX_HTML_TEXTS = 20

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,996}>")
_BARE_ID = re.compile(r"[!-;=?-~]{1,996}")
#: An address begins where a word begins and has limited length, so that a long word without an `@` is scanned once.
_ADDRESS = re.compile(r"(?<![^\s<>,;:\"()\[\]\\])[^\s<>,;:\"()\[\]\\]{1,64}@[^\s<>,;:\"()\[\]\\@]{1,255}")
_REPORTED_ID = re.compile(rb"^(?:original-)?message-id:\s*(<[!-;=?-~]{1,996}>)", re.IGNORECASE | re.MULTILINE)
#: A header's name with spaces before its colon, and the names of boundaries.
_LOOSE_COLON = re.compile(rb"^([!-9;-~]{1,100})[ \t]{1,20}:", re.MULTILINE)
_BOUNDARIES = re.compile(rb"boundary=[\"']?([^\s\"';]{1,200})", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_PARAMETER = re.compile(
    r"\s{1,8}(?:boundary|charset|name|type|format|delsp|report-type|protocol|micalg)\*?\d{0,2}\*?=", re.I
)
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64 and byte != ord("="))
_BOUNDARY = re.compile(rb"boundary", re.IGNORECASE)
#: Headers that are not shown: other fields show them, or they concern only mail servers.
_NOT_SHOWN = re.compile(
    r"from|to|cc|bcc|subject|message-id|in-reply-to|references|mime-version|content-.*|received.*|return-path|"
    r"dkim-.*|domainkey-.*|arc-.*|authentication-results|x-ses-.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the mail's text. `inline` says that the HTML shows the part by its `content_id`."""

    filename: str
    media_type: str
    content: bytes
    content_id: str | None
    inline: bool


@dataclass(slots=True)
class Parsed:
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
    attachments: list[Attachment] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    #: The reason why a machine must not answer the mail, from its headers.
    automatic: str | None = None
    bounce: Bounce | None = None
    #: The Message-ID of the reported mail, if this mail is a report.
    report_of: str | None = None
    #: Whether the structure could not be read. The mail is then shown as its source text.
    broken: bool = False


def _encoding(value: str) -> str:
    """Returns the name of a transfer encoding, without following spaces, comments or parameters."""
    found = _TOKEN.match(value.strip())
    return found[0].lower() if found else value


def _divided(value: str) -> str:
    """Adds the semicolons that a mailer forgot before parameters of a media type."""
    out: list[str] = []
    quoted = False
    for place, char in enumerate(value):
        if char == '"':
            quoted = not quoted
        elif char in " \t\r\n" and not quoted and _PARAMETER.match(value, place):
            before = "".join(out[-8:]).rstrip()
            if before and before[-1] not in ";=":
                out.append(";")
        out.append(char)
    return "".join(out)


_MENDED: dict[str, Callable[[str], str]] = {"content-transfer-encoding": _encoding, "content-type": _divided}


class _Lenient(Compat32):
    """A policy for unknown senders: shortens long headers, and reads and writes headers as their source text."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        name = name.rstrip(" \t")
        if not name.lower().startswith("content-"):
            return name, value[:_MAX_HEADER]
        value = value[:_MAX_MIME_HEADER]
        if name.lower() in _MENDED:
            value = _MENDED[name.lower()](value)
        return name, ";".join(value.split(";", _MAX_PARAMETERS)[:_MAX_PARAMETERS])

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 the library's signature
        return value

    def fold_binary(self, name: str, value: str) -> bytes:
        return f"{name}: {value}\r\n".encode("ascii", "surrogateescape")


_POLICY = _Lenient(linesep="\r\n")


def parse(raw: bytes) -> Parsed:
    """Parses a mail. Reads a malformed mail as far as possible, and a hopeless mail as text. Never raises."""
    if _is_hopeless(raw):
        return beginning(raw)
    try:
        return _parsed(_structure(raw))
    except Exception:  # noqa: BLE001 RecursionError, and any error of the library on malformed structure
        return beginning(raw)


def beginning(raw: bytes) -> Parsed:
    """Parses only the headers of a mail, and returns the rest as text."""
    head, _, rest = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    try:
        found = _parsed(_structure(_without_structure(head[: 16 * _MAX_HEADER]) + b"\n\n"))
    except Exception:  # noqa: BLE001 as above
        found = Parsed()
    found.text, found.broken = charsets.decode(rest, None), True
    return found


def _without_structure(head: bytes) -> bytes:
    return re.sub(rb"(?im)^content-[^\n]*(\n[ \t][^\n]*)*\n?", b"", head)


def _is_hopeless(raw: bytes) -> bool:
    """Whether the parser would take minutes: it checks every line once for each multipart that contains the line."""
    lines = max(raw.count(b"\n"), raw.count(b"\r"))
    depth = min(sum(1 for _ in _BOUNDARY.finditer(raw)), 1_000)
    return lines > _MAX_LINES or lines * depth > _MAX_STEPS


def _structure(raw: bytes) -> Mime:
    raw = _with_joined_colons(raw)
    parser = BytesFeedParser(policy=_POLICY)
    for start in range(0, len(raw), _CHUNK):
        parser.feed(raw[start : start + _CHUNK])
    return parser.close()


def _with_joined_colons(raw: bytes) -> bytes:
    """Removes the spaces before a header's colon, which RFC 822 allowed. The library ends the headers at them."""
    end = min((found for mark in (b"\r\n\r\n", b"\n\n") if (found := raw.find(mark)) >= 0), default=len(raw))
    head = raw[:end]
    mended = _LOOSE_COLON.sub(rb"\1:", head)
    raw = mended + raw[end:] if mended != head else raw
    names = list(dict.fromkeys(found[1] for found in islice(_BOUNDARIES.finditer(raw), 100)))
    if not names or not _LOOSE_COLON.search(raw):
        return raw
    marks = tuple(b"--" + name for name in names)
    out, in_head = [], False
    for line in raw.splitlines(keepends=True):
        if line.startswith(marks):
            in_head = True
        elif not line.strip():
            in_head = False
        out.append(_LOOSE_COLON.sub(rb"\1:", line, count=1) if in_head else line)
    return b"".join(out)


def _parsed(mime: Mime) -> Parsed:
    headers = _Headers(mime)
    found = Parsed(
        message_id=headers.message_id(),
        subject=charsets.cut(charsets.words(headers.first("subject")).strip(), _MAX_SUBJECT),
        date=_date(headers.first("date")),
        in_reply_to=_MESSAGE_ID.findall(headers.first("in-reply-to"))[:_MAX_REFERENCES],
        references=shortened(_MESSAGE_ID.findall(headers.first("references"))),
        headers=headers.shown(),
        automatic=automatic.by_headers(headers.first, len(headers.every("received"))),
    )
    senders = headers.people("from") or headers.people("sender")
    if senders:
        found.from_name, found.from_address = senders[0]
    found.to, found.cc, found.reply_to = (headers.addresses(name) for name in ("to", "cc", "reply-to"))
    found.recipients = next(
        (given for name in ("x-original-to", "delivered-to") if (given := headers.addresses(name))),
        [*found.to, *found.cc],
    )
    _Body(found).read(mime)
    _fit(found)
    if mime.get_content_type() == "multipart/report":
        found.automatic = found.automatic or "report"
    else:
        # The mail is not a report itself: its parts may be a forwarded report about another mail.
        found.bounce = found.report_of = None
    return found


def _fit(found: Parsed) -> None:
    """Limit the size of names: drop people that do not fit, and name files by numbers if their names do not fit."""
    room = _MAX_NAMES

    def takes(text: str | None) -> bool:
        nonlocal room
        room -= len((text or "").encode()) + _BESIDE
        return room >= 0

    found.to, found.cc, found.reply_to = (
        list(takewhile(takes, people_)) for people_ in (found.to, found.cc, found.reply_to)
    )
    for number, one in enumerate(found.attachments, start=1):
        filename = one.filename if takes(one.filename) else filenames.safe(None, one.media_type, number)
        content_id = one.content_id if takes(one.content_id) else None
        found.attachments[number - 1] = replace(one, filename=filename, content_id=content_id)
    for dropped in found.dropped:
        if not takes(dropped.filename):
            dropped.filename = filenames.safe(None, dropped.mime_type, 0)


def shortened(ids: list[str]) -> list[str]:
    """Shortens a list of Message-IDs: keeps the first, which began the thread, and the newest, as mailers do."""
    return ids if len(ids) <= _MAX_REFERENCES else [ids[0], *ids[1 - _MAX_REFERENCES :]]


class _Headers:
    """The headers of a mail by name, decoded from their source."""

    def __init__(self, mime: Mime) -> None:
        self._found: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        for number, (name, value) in enumerate(mime.raw_items()):
            if number < _MAX_HEADERS:
                self._found.setdefault(name.lower(), []).append(_unfolded(value))
                self._names.setdefault(name.lower(), name)

    def every(self, name: str) -> list[str]:
        return self._found.get(name, [])

    def first(self, name: str) -> str:
        # If a header is repeated, the first counts, as in most mail readers.
        return next(iter(self.every(name)), "").strip()

    def message_id(self) -> str | None:
        text = self.first("message-id")
        found = _MESSAGE_ID.search(text)
        if found:
            return found[0]
        return f"<{text}>" if _BARE_ID.fullmatch(text) else None

    def people(self, name: str) -> list[tuple[str, str]]:
        found = (value for value in self.every(name)[:_MAX_SAME] if "@" in value)
        return list(islice((person for value in found for person in _people(value)), _MAX_PEOPLE))

    def addresses(self, name: str) -> list[str]:
        return list(dict.fromkeys(address for _, address in self.people(name)))

    def shown(self) -> dict[str, str]:
        shown: dict[str, str] = {}
        room = _MAX_SHOWN
        for key, values in self._found.items():
            if _NOT_SHOWN.fullmatch(key):
                continue
            name = charsets.clean(self._names[key])
            text = charsets.cut(charsets.words(values[0]).strip(), _MAX_SHOWN_HEADER)
            room -= len(name.encode()) + len(text.encode())
            if room < 0 or len(shown) == _MAX_SHOWN_HEADERS:
                break
            shown[name] = text
        return shown


class _Body:
    """Sorts a mail's parts into text, HTML and attachments."""

    def __init__(self, found: Parsed) -> None:
        self._found = found
        #: Each readable part: the number of its alternative, whether it is HTML, and its text.
        self._read: list[tuple[int | None, bool, str]] = []
        self._bounce_fields: list[str] = []

    def read(self, mime: Mime) -> None:
        for part, alternative in _leaves(mime):
            leaf = _Leaf.of(part)
            if part.get_content_maintype() == "multipart":
                # A multipart without a boundary: take its source as text.
                self._read.append((alternative, False, _text(leaf)))
            elif _is_body(leaf):
                self._read.append((alternative, leaf.kind == "text/html", _text(leaf)))
            else:
                self._attach(leaf)
        htmls = [text for _, is_html, text in self._read if is_html]
        self._found.html = "\n".join(htmls) if htmls else None
        self._found.text = "\n".join(self._texts())

    def _texts(self) -> Iterator[str]:
        """Yields the plain text: the plain part of each alternative, and all other parts in their order."""
        plain = {number for number, is_html, text in self._read if not is_html and text.strip()}
        has_html = any(is_html for _, is_html, _ in self._read)
        room = _MAX_HTML_TEXTS
        for number, is_html, text in self._read:
            if not is_html:
                # Skip an empty text beside an HTML part.
                if text.strip() or not has_html:
                    yield text
            elif (number is None or number not in plain) and room:
                room -= 1
                yield text_of(text)

    def _attach(self, leaf: _Leaf) -> None:
        found, part = self._found, leaf.part
        number = len(found.attachments) + len(found.dropped) + 1
        kind = filenames.media_type(leaf.kind)
        name = filenames.safe(leaf.filename, kind, number)
        if len(found.attachments) >= MAX_ATTACHMENTS:
            self._drop(name, kind, None, "too_many")
            return
        try:
            content = _content(part)
        except Exception:  # noqa: BLE001 the library's generator and decoders raise on some malformed parts
            self._drop(name, kind, None, "unreadable")
            return
        if kind in automatic.REPORTS:
            found.bounce = found.bounce or automatic.bounce(content)
        if found.report_of is None and kind in automatic.REPORTED:
            reported = _REPORTED_ID.search(content[:_CHUNK])
            found.report_of = reported[1].decode("ascii") if reported else None
        if len(content) > MAX_ATTACHMENT:
            self._drop(name, kind, len(content), "too_large")
            return
        content_id = charsets.cut(_unfolded(part.get("content-id", "")).strip("<> "), _MAX_ADDRESS) or None
        inline = leaf.disposition == "inline" or bool(content_id and leaf.disposition != "attachment")
        found.attachments.append(Attachment(name, kind, content, content_id, inline))

    def _drop(self, name: str, kind: str, size: int | None, reason: str) -> None:
        if len(self._found.dropped) < _MAX_NAMED:
            self._found.dropped.append(Dropped(filename=name, mime_type=kind, size=size, reason=reason))


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
            filename=charsets.words(filename) if filename else None,
            charset=_text_of(of_type.get("charset")),
        )


#: A parameter's value. An encoded value (RFC 2231) has three parts: charset, language, bytes.
_Value = str | tuple[str | None, str | None, str]


def _parameters(part: Mime, header: str) -> dict[str, _Value]:
    """Returns the parameters of a header by name. If a parameter is repeated, the first counts."""
    found: dict[str, _Value] = {}
    for name, value in part.get_params([], header=header):
        found.setdefault(name.lower(), value)
    return found


def _text_of(value: _Value | None) -> str | None:
    if isinstance(value, tuple):
        return charsets.decode(value[2].encode("latin-1", "replace"), value[0])
    return _from_raw(value) if value else None


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
    content = b"\r\n".join(one.as_bytes(policy=_POLICY) for one in _inside(part))
    if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
        # Base64 is forbidden for a mail in a mail, but some mailers use it. The parser read it as headers or text.
        holder = Mime()
        holder["Content-Transfer-Encoding"] = "base64"
        holder.set_payload(content.strip().decode("ascii", "replace"))
        return _decoded(holder)
    return content


def _from_raw(value: str) -> str:
    """Decodes a header's source, including bytes outside ASCII."""
    return value if value.isascii() else charsets.decode(value.encode("utf-8", "surrogateescape"), "utf-8")


def _unfolded(value: str) -> str:
    return _from_raw(" ".join(line.strip("\r\n\t ") for line in value.splitlines()))


def _people(value: str) -> Iterator[tuple[str, str]]:
    found = list(islice(people.read(value), _MAX_PEOPLE * 2))
    if not found:
        found = [people.Person("", address) for address in _ADDRESS.findall(value)]
    for name, address in found:
        local, _, domain = address.strip().rpartition("@")
        given = f"{local}@{domain.lower()}"
        # Reject addresses with invisible characters: spaces and control characters.
        if local and domain and len(given.encode()) <= _MAX_ADDRESS and given.isprintable() and " " not in given:
            yield charsets.cut(charsets.words(name).strip(), _MAX_ADDRESS), given


def _date(value: str) -> str | None:
    try:
        moment = parsedate_to_datetime(value)
        # A date without a time zone (`-0000`) means UTC.
        return clock.iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
