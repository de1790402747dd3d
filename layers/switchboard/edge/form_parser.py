"""Parses a multipart form piece by piece, within limits of parts, headers and bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    ParserLimitReached,
    PushMultipartParser,
)

from switchboard.errors import Invalid

MULTIPART_TYPE = "multipart/form-data"

_MAX_PARTS = 32
_MAX_HEADERS = 8
_MAX_HEADER_BYTES = 4_096
_CHUNK_BYTES = 65_536
#: The grammar of RFC 2046, 5.1.1.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


def require_complete(body: bytes, boundary: str) -> bytes:
    """Returns the body up to the end of its final boundary.

    Raises Invalid if there is no final boundary, or more data after it.
    """
    if not _BOUNDARY.fullmatch(boundary):
        raise Invalid(
            "The header Content-Type has no valid boundary: name one, for example boundary=abc.",
            fields={"content-type": "must name a boundary, for example boundary=abc"},
        )
    final = f"--{boundary}--".encode()
    at = 0 if body.startswith(final) else body.find(b"\r\n" + final) + 2
    if at == 1:
        raise malformed_form("it does not end with its final boundary")
    end = at + len(final)
    if body[end:].strip(b" \t\r\n"):
        raise malformed_form("it has data after its final boundary")
    return body[:end]


def parse_events(body: bytes, boundary: str) -> Iterator[Any]:
    """Yields the parser's events: a segment, chunks of bytes, and `None` at the end of a part.

    Raises Invalid if the body is not a valid form.
    """
    parser = PushMultipartParser(
        boundary,
        max_header_size=_MAX_HEADER_BYTES,
        max_header_count=_MAX_HEADERS,
        max_segment_count=_MAX_PARTS,
        strict=True,
    )
    try:
        with parser:
            for start in range(0, len(body), _CHUNK_BYTES):
                yield from parser.parse(body[start : start + _CHUNK_BYTES])
    except ParserLimitReached:
        raise malformed_form(
            f"it has more than {_MAX_PARTS} parts, or a part with too many or too long headers"
        ) from None
    except MultipartError as error:
        reason = str(error.args[0])
        raise malformed_form(reason[:1].lower() + reason[1:]) from None


def malformed_form(why: str) -> Invalid:
    """Returns the error for a form that is not valid. `why` says what is wrong."""
    return Invalid(f"The body is not valid {MULTIPART_TYPE}: {why}.", code="invalid_form")
