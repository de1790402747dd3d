"""Splits a mail into its MIME structure, also a broken one."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import Message as Mime
from email.parser import BytesFeedParser
from email.policy import Compat32
from itertools import islice

from switchboard.email.mime_limits import (
    CHUNK_BYTES,
    MAX_HEADER_BYTES,
    MAX_LINES,
    MAX_MIME_HEADER_BYTES,
    MAX_PARAMETERS,
    MAX_STEPS,
)

#: A header's name with spaces before its colon, and the names of boundaries.
_LOOSE_COLON = re.compile(rb"^([!-9;-~]{1,100})[ \t]{1,20}:", re.MULTILINE)
_BOUNDARIES = re.compile(rb"boundary=[\"']?([^\s\"';]{1,200})", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_PARAMETER = re.compile(
    r"\s{1,8}(?:boundary|charset|name|type|format|delsp|report-type|protocol|micalg)\*?\d{0,2}\*?=", re.I
)
_BOUNDARY = re.compile(rb"boundary", re.IGNORECASE)


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
            return name, value[:MAX_HEADER_BYTES]
        value = value[:MAX_MIME_HEADER_BYTES]
        if name.lower() in _MENDED:
            value = _MENDED[name.lower()](value)
        return name, ";".join(value.split(";", MAX_PARAMETERS)[:MAX_PARAMETERS])

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 the library's signature
        return value

    def fold_binary(self, name: str, value: str) -> bytes:
        return f"{name}: {value}\r\n".encode("ascii", "surrogateescape")


LENIENT_POLICY = _Lenient(linesep="\r\n")


def without_structure(head: bytes) -> bytes:
    return re.sub(rb"(?im)^content-[^\n]*(\n[ \t][^\n]*)*\n?", b"", head)


def is_hopeless(raw: bytes) -> bool:
    """Whether the parser would take minutes: it checks every line once for each multipart that contains the line."""
    lines = max(raw.count(b"\n"), raw.count(b"\r"))
    depth = min(sum(1 for _ in _BOUNDARY.finditer(raw)), 1_000)
    return lines > MAX_LINES or lines * depth > MAX_STEPS


def parse_structure(raw: bytes) -> Mime:
    raw = _with_joined_colons(raw)
    parser = BytesFeedParser(policy=LENIENT_POLICY)
    for start in range(0, len(raw), CHUNK_BYTES):
        parser.feed(raw[start : start + CHUNK_BYTES])
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
