"""Multipart bodies, multipart/form-data (RFC 7578): text fields, and one file that is stored in a bucket.

The body is read twice. The first pass writes nothing: it checks the structure, the limits and the file's type, and
computes a digest. The second pass streams the file's bytes to the bucket. Both passes take time proportional to the
body's length.

Objects in the upload bucket expire (`days` in the topology), so a stored file that no route keeps is deleted. A rule of
the bucket deletes the parts of unfinished uploads.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import unquote_to_bytes

from multipart import (  # type: ignore[import-untyped]
    MultipartSegment,
)

from switchboard.aws import objects
from switchboard.edge import file_types
from switchboard.edge.bodies import Body, essence_of, parse_media_type
from switchboard.edge.form_parser import MULTIPART_TYPE, malformed_form, parse_events, require_complete
from switchboard.email import filenames
from switchboard.errors import Invalid, TooLarge, UnsupportedMedia
from switchboard.kit import background, ids
from switchboard.kit.texts import require_one_line

if TYPE_CHECKING:
    from switchboard.edge.exchange import Exchange

#: Most bytes of a form without its file: text fields, headers and boundaries.
MAX_FIELDS_BYTES = 65_536
_MAX_NAME_CHARACTERS = 200
#: The transfer encodings that do not change a part's bytes.
_PLAIN_ENCODINGS = frozenset({"7bit", "8bit", "binary"})
_QUOTED = re.compile('"[^"]*"')
_EXTENDED_NAME = re.compile(r";[ \t]*filename\*[ \t]*=[ \t]*([^;]*)", re.IGNORECASE)
_EXTENDED_VALUE = re.compile(
    r"(utf-8|iso-8859-1)'[A-Za-z0-9-]*'((?:%[0-9A-Fa-f]{2}|[!#$&+.^_`|~0-9A-Za-z-])*)", re.IGNORECASE
)


class StoredFile(NamedTuple):
    """A file in a bucket of the topology."""

    bucket: str
    key: str
    size: int
    media_type: str
    #: A safe file name on one line, or `None` if the sender gave no name.
    filename: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Upload:
    """The file of a form, before it is stored."""

    size: int
    media_type: str
    filename: str | None
    sha256: str
    _bucket: str
    _number: int
    _body: bytes = field(repr=False)
    _boundary: str = field(repr=False)

    def read_chunks(self) -> Iterator[bytes]:
        """Yields the file's bytes in chunks."""
        number = -1
        for event in parse_events(self._body, self._boundary):
            if isinstance(event, MultipartSegment):
                number += 1
            elif event is None and number == self._number:
                return
            elif event is not None and number == self._number:
                yield event

    def store_file(self, org_id: str) -> StoredFile:
        """Stores the file under its organization. It expires in this bucket unless the caller copies it."""
        # A request that the rate limiter refuses must not store anything.
        background.wait_for_guard()
        key = f"{org_id}/{ids.new_id('upl')}"
        objects.upload_object(self._bucket, key, self.read_chunks(), self.media_type)
        return StoredFile(self._bucket, key, self.size, self.media_type, self.filename, self.sha256)


@dataclass(frozen=True, kw_only=True)
class MultipartBody(Body):
    """A form with one file in `field`, of one of `types`, of at most `max_bytes`. The bucket `to` stores it.

    `only_file` refuses all other fields. With `unsupported` the file's bytes decide its type, and its Content-Type
    is ignored. A file of another type is then refused as Invalid with this code.
    """

    field: str
    types: frozenset[str]
    to: str
    only_file: bool = False
    unsupported: str | None = None
    max_bytes: int | None = 4_194_304
    media_types: ClassVar[frozenset[str]] = frozenset({MULTIPART_TYPE})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.verify:
            raise ValueError("a multipart body cannot be signed: use RawBody")
        if self.max_bytes is None:
            raise ValueError("a file needs a limit: set max_bytes")
        if wrong := [one for one in self.types if one != file_types.canonical_type(one)]:
            raise ValueError(f"{wrong[0]} is another name of {file_types.canonical_type(wrong[0])}: use that")

    @property
    def binary_types(self) -> frozenset[str]:
        return self.media_types

    @property
    def needs_owner(self) -> bool:
        return True

    @property
    def max_file_bytes(self) -> int:
        """The largest size of the file in bytes."""
        assert self.max_bytes is not None
        return self.max_bytes

    def max_body_bytes(self, largest: int) -> int:  # noqa: ARG002 a file has its own limit
        return self.max_file_bytes + MAX_FIELDS_BYTES

    def parse_body(self, exchange: Exchange) -> None:
        assert exchange.media_type is not None
        reading = _FormReader(self, exchange.raw, exchange.media_type.parameters.get("boundary", ""))
        exchange.body, exchange.upload, exchange.digest = reading.fields, reading.upload, reading.digest

    def openapi_content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:
        fields = dict(model or {})
        file = {"type": "string", "format": "binary", "description": "The file."}
        schema = {
            "type": "object",
            **fields,
            "properties": {**fields.get("properties", {}), self.field: file},
            "required": [*fields.get("required", ()), self.field],
        }
        return {
            MULTIPART_TYPE: {"schema": schema, "encoding": {self.field: {"contentType": ", ".join(sorted(self.types))}}}
        }


class _Part:
    """A part that is being read."""

    def __init__(self, segment: Any) -> None:
        self.name: str = segment.name
        self.disposition: str = segment.header("Content-Disposition", "")
        self.stated: str = segment.header("Content-Type", "")
        self.encoding: str = segment.header("Content-Transfer-Encoding", "")
        self.sent_name: str | None = segment.filename
        self.names = [name for name, _ in segment.headerlist]
        self.size = 0
        self.head = b""
        self.text: list[bytes] = []
        self.hash = hashlib.sha256()


class _FormReader:
    """The first pass over a form. It finds all problems of the form."""

    def __init__(self, kind: MultipartBody, body: bytes, boundary: str) -> None:
        self._kind, self._boundary = kind, boundary
        self._body = require_complete(body, boundary)
        self._text_size = 0
        self._parts: list[list[Any]] = []
        self.fields: dict[str, str] = {}
        self._upload: Upload | None = None
        part: _Part | None = None
        for event in parse_events(self._body, boundary):
            if isinstance(event, MultipartSegment):
                part = self._begin_part(_Part(event))
            elif event is None:
                assert part is not None
                self._end_part(part)
            else:
                assert part is not None
                self._add_bytes(part, event)

    @property
    def upload(self) -> Upload:
        """The file. Raises Invalid if the form has none."""
        if self._upload is None:
            raise _invalid_field(self._kind.field, "is missing: send the file in this field")
        return self._upload

    @property
    def digest(self) -> str:
        """A hash of all parts. It excludes the boundary, because clients choose a new one for each attempt."""
        return hashlib.sha256(json.dumps(self._parts).encode()).hexdigest()

    def _begin_part(self, part: _Part) -> _Part:
        _require_name(part.name)
        if len(part.names) != len(set(part.names)):
            raise _invalid_field(part.name, "repeats a header: send each header once")
        if part.encoding.strip().lower() not in _PLAIN_ENCODINGS | {""}:
            raise _invalid_field(part.name, "has a Content-Transfer-Encoding: send the bytes without encoding")
        if essence_of(part.stated).startswith("multipart/"):
            raise _invalid_field(part.name, "is a nested multipart body: send each file in its own part")
        if part.name in self.fields or (part.name == self._kind.field and self._upload is not None):
            raise _invalid_field(part.name, "is repeated: send it once")
        if part.name != self._kind.field and self._kind.only_file:
            raise _invalid_field(part.name, f"is not a field of this form: send only the file, in {self._kind.field}")
        if part.name == self._kind.field and self._kind.only_file and _filename(part) is None:
            raise _invalid_field(part.name, "is text: send a file, with a filename")
        if part.name != self._kind.field and _filename(part) is not None:
            raise _invalid_field(part.name, f"contains a file: send one file in the field {self._kind.field}")
        return part

    def _add_bytes(self, part: _Part, data: bytes) -> None:
        part.size += len(data)
        if part.name == self._kind.field:
            if part.size > self._kind.max_file_bytes:
                limit = self._kind.max_file_bytes
                raise TooLarge(f"The file is larger than {limit:,} bytes: send a smaller file.", limit=limit)
            part.head += data[: file_types.SIGNATURE_BYTES - len(part.head)]
            part.hash.update(data)
            return
        self._text_size += len(data)
        if self._text_size > MAX_FIELDS_BYTES:
            raise TooLarge(
                f"The text fields together are larger than {MAX_FIELDS_BYTES:,} bytes: send less text.",
                limit=MAX_FIELDS_BYTES,
            )
        part.text.append(data)

    def _end_part(self, part: _Part) -> None:
        if part.name == self._kind.field:
            self._upload = self._make_upload(part)
            found = self._upload
            self._parts.append([part.name, found.filename, found.media_type, found.size, found.sha256])
        else:
            self.fields[part.name] = _text(part)
            self._parts.append([part.name, self.fields[part.name]])

    def _make_upload(self, part: _Part) -> Upload:
        if not part.size:
            raise _invalid_field(part.name, "is empty: choose another file")
        stated = essence_of(part.stated)
        found = file_types.detect_type("" if self._kind.unsupported else stated, part.head, self._kind.types)
        if found is None and self._kind.unsupported:
            known = ", ".join(sorted(self._kind.types))
            raise Invalid(
                "The file has no known format: see the field.",
                code=self._kind.unsupported,
                fields={part.name: f"must be one of {known}, by its bytes"},
            )
        if found is None:
            types = " or ".join(sorted(self._kind.types))
            raise UnsupportedMedia(
                f"Send a file of type {types}: its Content-Type and its bytes must match.", received=stated[:100]
            )
        sent = _filename(part)
        return Upload(
            size=part.size,
            media_type=found,
            filename=filenames.safe_filename(sent, found, 1) if sent else None,
            sha256=part.hash.hexdigest(),
            _bucket=self._kind.to,
            _number=len(self._parts),
            _body=self._body,
            _boundary=self._boundary,
        )


def _require_name(name: str) -> None:
    try:
        require_one_line(name)
    except ValueError:
        raise malformed_form("the name of a part contains control characters") from None
    if not 1 <= len(name) <= _MAX_NAME_CHARACTERS:
        raise malformed_form(f"the name of a part must have 1 to {_MAX_NAME_CHARACTERS} characters")


def _filename(part: _Part) -> str | None:
    """Returns the sender's name of a file. `filename*` has priority over `filename` (RFC 6266, 4.3)."""
    extended = _EXTENDED_NAME.search(_QUOTED.sub('""', part.disposition))
    if extended is None:
        return part.sent_name
    value = _EXTENDED_VALUE.fullmatch(extended[1].strip())
    try:
        if value is not None:
            return unquote_to_bytes(value[2]).decode(value[1])
    except UnicodeDecodeError:
        pass
    raise _invalid_field(part.name, "has a malformed filename*: write it like UTF-8''report.pdf")


def _text(part: _Part) -> str:
    try:
        stated = parse_media_type(part.stated) if part.stated else None
        if stated is None or stated.is_utf_8:
            return b"".join(part.text).decode()
    except ValueError:
        pass
    raise _invalid_field(part.name, "is not UTF-8 text: encode it as UTF-8")


def _invalid_field(name: str, problem: str) -> Invalid:
    return Invalid("The form is not valid: see the fields.", fields={name: problem})
