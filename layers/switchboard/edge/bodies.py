"""The kinds of body that an operation can accept.

| kind | media type | the route gets |
|---|---|---|
| `JsonBody` (the default) | `application/json` | its model |
| `FormBody` | `application/x-www-form-urlencoded` | its model, and `api.parameters` |
| `RawBody` | the operation's own | `api.raw`: the unchanged bytes |
| `MultipartBody` (`edge/multipart.py`) | `multipart/form-data` | its model of the text fields, and `api.upload` |

Media types are those of RFC 9110, 8.3.1: case-insensitive `type/subtype`, and parameters that may be quoted. Every kind
has a size limit (413) and media types (415). A form or raw body may be signed by its sender. Then `verify`
replaces the dialect's authentication, and runs before the body is parsed.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl

from switchboard.edge.signatures import SignedRequest, Verifier
from switchboard.errors import Forbidden, Invalid, TooLarge, UnsupportedMedia
from switchboard.kit import texts

if TYPE_CHECKING:
    from switchboard.edge.exchange import Exchange

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
#: Bytes of any kind.
BINARY = "application/octet-stream"
#: Bytes. Lambda accepts events of 6 MB, with binary bodies as base64. A larger body never arrives.
MAX_BODY_BYTES = 4_600_000
#: Most parameters of a form.
_MAX_PARAMETERS = 1_000
_NOT_SIGNED = "The signature of this callback is missing or not valid."


@dataclass(frozen=True, kw_only=True)
class Body(ABC):
    """A kind of body."""

    #: Verifies the sender's signature, if bodies of this kind are signed.
    verify: Verifier | None = None
    #: The largest size in bytes. `None` means the dialect's limit.
    max_bytes: int | None = None
    #: Whether a request must have a body, as the API document says.
    required: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.max_bytes is not None and not 0 < self.max_bytes <= MAX_BODY_BYTES:
            raise ValueError(f"max_bytes is {self.max_bytes}: Lambda takes bodies of 1 to {MAX_BODY_BYTES} bytes")

    @property
    @abstractmethod
    def media_types(self) -> frozenset[str]:
        """The accepted media types. An empty set accepts all."""

    @property
    def binary_types(self) -> frozenset[str]:
        """The media types that API Gateway must pass on as bytes (a group's `binary` in the topology)."""
        return frozenset()

    def max_body_bytes(self, largest: int) -> int:
        """Returns the largest size of a whole body in bytes. `largest` is the dialect's limit."""
        return largest if self.max_bytes is None else self.max_bytes

    @property
    def needs_owner(self) -> bool:
        """Whether a part of the body is stored for an organization."""
        return False

    @abstractmethod
    def parse_body(self, exchange: Exchange) -> None:
        """Parses the body into the call. Raises Invalid, TooLarge or UnsupportedMedia."""

    @abstractmethod
    def openapi_content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:
        """Returns the OpenAPI `content` of this body, by media type. `model` is the schema of the fields."""


@dataclass(frozen=True, kw_only=True)
class JsonBody(Body):
    """JSON. It is UTF-8 for any `charset` parameter (RFC 8259, 8.1)."""

    media_types: ClassVar[frozenset[str]] = frozenset({JSON})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.verify:
            raise ValueError("a signature covers bytes: use RawBody")

    def parse_body(self, exchange: Exchange) -> None:
        if exchange.request.body:
            exchange.body = texts.parse_json(exchange.request.body_text())

    def openapi_content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:
        return {JSON: {"schema": dict(model or {})}}


@dataclass(frozen=True, kw_only=True)
class FormBody(Body):
    """A form. A parameter that occurs once is a text in the model. A repeated parameter is a list of texts."""

    max_bytes: int | None = 131_072
    media_types: ClassVar[frozenset[str]] = frozenset({FORM})

    def parse_body(self, exchange: Exchange) -> None:
        if not exchange.parameters:
            exchange.parameters = parse_form(exchange.raw)
        values: dict[str, Any] = {}
        for name, value in exchange.parameters:
            values.setdefault(name, []).append(value)
        exchange.body = {name: found[0] if len(found) == 1 else found for name, found in values.items()}

    def openapi_content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:
        return {FORM: {"schema": dict(model or {"type": "object", "additionalProperties": {"type": "string"}})}}


@dataclass(frozen=True, kw_only=True)
class RawBody(Body):
    """Unparsed bytes. The route can record them before it interprets them."""

    max_bytes: int | None = 1_048_576
    types: frozenset[str] = frozenset({JSON})
    #: A text for the API document.
    example: str | None = None

    @property
    def media_types(self) -> frozenset[str]:
        return self.types

    @property
    def binary_types(self) -> frozenset[str]:
        return frozenset(one for one in self.types if not one.startswith("text/") and one not in (JSON, FORM))

    def parse_body(self, exchange: Exchange) -> None:
        """Does nothing: `receive_body` has stored the bytes."""

    def openapi_content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:  # noqa: ARG002 a raw body has no fields
        shown = {} if self.example is None else {"example": self.example}
        return {
            one: {"schema": {} if one == JSON else {"type": "string", "format": "binary"}} | shown
            # Generators of clients know no media range, and a body that may be anything fits this type.
            for one in sorted(self.types or {BINARY})
        }


def parse_form(data: bytes) -> list[tuple[str, str]]:
    """Returns the parameters of a form in the order sent, with empty ones.

    Raises Invalid for text that is not UTF-8, and for too many parameters.
    """
    try:
        return parse_qsl(
            data.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS, separator="&"
        )
    except UnicodeDecodeError:
        raise Invalid("The form is not UTF-8: encode it as UTF-8.", code="invalid_form") from None
    except ValueError:
        raise Invalid(
            f"The form has more than {_MAX_PARAMETERS:,} parameters: send fewer.", code="invalid_form"
        ) from None


def receive_body(kind: Body, exchange: Exchange, largest: int) -> None:
    """Checks size and media type of a body and stores its bytes. Raises TooLarge, UnsupportedMedia or Invalid."""
    request, limit = exchange.request, kind.max_body_bytes(largest)
    if request.body_size() > limit:
        raise TooLarge(f"The body is larger than {limit:,} bytes: send a smaller body.", limit=limit)
    if isinstance(kind, JsonBody):
        # A request without a body has no media type. A body without a media type is read as JSON.
        if request.body:
            _require_media_type(kind, essence_of(request.headers.get("content-type", JSON)))
        return
    exchange.media_type = _stated_media_type(kind, request.header("content-type") or "")
    exchange.raw = request.body_bytes()


def _stated_media_type(kind: Body, text: str) -> MediaType:
    _require_media_type(kind, essence_of(text))
    try:
        stated = parse_media_type(text) if text or kind.media_types else MediaType("", {})
    except ValueError as error:
        raise Invalid(f"The header Content-Type {error}.", fields={"content-type": str(error)}) from None
    if isinstance(kind, FormBody) and not stated.is_utf_8:
        raise UnsupportedMedia("Send the form as UTF-8.", received=stated.parameters["charset"][:100])
    return stated


def _require_media_type(kind: Body, essence: str) -> None:
    if kind.media_types and essence not in kind.media_types:
        raise UnsupportedMedia(f"Send the body as {' or '.join(sorted(kind.media_types))}.", received=essence[:100])


def authenticate_signer(kind: Body, exchange: Exchange, largest: int) -> None:
    """Identifies the signer of a body before the body is parsed.

    Raises Forbidden for a wrong signature, with the same message for all reasons.
    """
    assert kind.verify is not None
    receive_body(kind, exchange, largest)
    if exchange.request.query_parameters():
        # No supported signature covers the query string.
        raise Forbidden(_NOT_SIGNED, code="bad_signature")
    if isinstance(kind, FormBody):
        try:
            exchange.parameters = parse_form(exchange.raw)
        except Invalid:
            raise Forbidden(_NOT_SIGNED, code="bad_signature") from None
    exchange.signer = kind.verify(SignedRequest(exchange.request, exchange.raw, exchange.parameters))
    if not exchange.signer:
        raise Forbidden(_NOT_SIGNED, code="bad_signature")


_MAX_MEDIA_TYPE_CHARACTERS = 1_000
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 a grammar
_ESSENCE = re.compile(f"{_TOKEN}/{_TOKEN}")
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*(?:({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*"))?')
_ESCAPED = re.compile(r"\\(.)")
#: UTF-8 and its subsets.
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class MediaType(NamedTuple):
    """A media type in lower case and its parameters by name. Parameter values keep their case."""

    essence: str
    parameters: dict[str, str]

    @property
    def is_utf_8(self) -> bool:
        """Whether text of this type is UTF-8, which is also the default."""
        return self.parameters.get("charset", "utf-8").lower() in _UTF_8


def essence_of(text: str) -> str:
    """Returns type and subtype in lower case, without parameters. The result is not checked."""
    return text.partition(";")[0].strip().lower()


def parse_media_type(text: str) -> MediaType:
    """Parses a media type with its parameters. Raises ValueError if it is malformed or has a parameter twice."""
    essence, found = essence_of(text), {}
    at = text.find(";")
    if len(text) > _MAX_MEDIA_TYPE_CHARACTERS or not _ESSENCE.fullmatch(essence):
        raise ValueError("is not a media type: send for example application/json")
    end = len(text.rstrip(" \t"))
    while 0 <= at < end:
        match = _PARAMETER.match(text, at)
        if match is None:
            raise ValueError("has a malformed parameter: write name=value")
        at = match.end()
        if match[1] is None:  # an empty parameter
            continue
        name = match[1].lower()
        if name in found:
            raise ValueError(f"names {name} twice: name it once")
        value = match[2]
        found[name] = _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
    return MediaType(essence, found)
