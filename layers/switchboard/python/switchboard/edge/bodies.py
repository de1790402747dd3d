"""The kinds of body that an operation may take, and how each is read.

| kind | media type | the route gets |
|---|---|---|
| `Json` (the default) | `application/json` | its model |
| `Form` | `application/x-www-form-urlencoded` | its model, and `api.parameters` |
| `Raw` | the operation's own | `api.raw`: the very bytes |
| `Multipart` (`edge/multipart.py`) | `multipart/form-data` | its model of the text fields, and `api.upload` |

Every kind has a limit (413) and media types (415). A form or raw body may be signed by its sender: `verify` then takes
the place of the dialect's own authentication, and nothing of the body is read before it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

from switchboard.edge import media_type, strict_json
from switchboard.edge.media_type import MediaType
from switchboard.edge.signatures import Signed, Verifier
from switchboard.errors import Forbidden, Invalid, TooLarge, UnsupportedMedia

if TYPE_CHECKING:
    from switchboard.edge.call import Call

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
#: Lambda takes an event of 6 MB, in which bytes are base64. A larger body never arrives, so no kind may promise it.
LARGEST = 4_600_000
#: Budgets of a form.
_MOST_PARAMETERS = 1_000
_NOT_SIGNED = "This callback is not signed as it must be."


@dataclass(frozen=True, kw_only=True)
class Body(ABC):
    """A kind of body: what it may be, and how it is read."""

    #: How its sender is known by its signature, where the body has one.
    verify: Verifier | None = None
    #: Its largest size in bytes; nothing for the dialect's own limit.
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.max_bytes is not None and not 0 < self.max_bytes <= LARGEST:
            raise ValueError(f"max_bytes is {self.max_bytes}: Lambda takes bodies of 1 to {LARGEST} bytes")

    @property
    @abstractmethod
    def media_types(self) -> frozenset[str]:
        """What it may be. Empty for anything."""

    @property
    def binary_types(self) -> frozenset[str]:
        """The media types that API Gateway has to hand over as bytes (a group's `binary` in the topology)."""
        return frozenset()

    def limit(self, largest: int) -> int:
        """The largest body as a whole, in a dialect that reads so much."""
        return largest if self.max_bytes is None else self.max_bytes

    @property
    def needs_owner(self) -> bool:
        """Whether something of it is stored for an organization."""
        return False

    @abstractmethod
    def read(self, call: Call) -> None:
        """Read what arrived into the call. Raises Invalid, TooLarge or UnsupportedMedia."""

    @abstractmethod
    def content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:
        """What a document says of it, by media type. `model` is the schema of its fields."""


@dataclass(frozen=True, kw_only=True)
class Json(Body):
    """JSON, which is UTF-8 whatever the media type's parameters say (RFC 8259, 8.1)."""

    media_types: ClassVar[frozenset[str]] = frozenset({JSON})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.verify:
            raise ValueError("a signature covers bytes: use Raw")

    def read(self, call: Call) -> None:
        if call.request.body:
            call.body = strict_json.loads(call.request.text())

    def content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:
        return {JSON: {"schema": dict(model or {})}}


@dataclass(frozen=True, kw_only=True)
class Form(Body):
    """A form. A parameter that stands once is a text of the model, one that is repeated a list of texts."""

    max_bytes: int | None = 131_072
    media_types: ClassVar[frozenset[str]] = frozenset({FORM})

    def read(self, call: Call) -> None:
        if not call.parameters:
            call.parameters = parse_form(call.raw)
        values: dict[str, Any] = {}
        for name, value in call.parameters:
            values.setdefault(name, []).append(value)
        call.body = {name: found[0] if len(found) == 1 else found for name, found in values.items()}

    def content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:
        return {FORM: {"schema": dict(model or {"type": "object", "additionalProperties": {"type": "string"}})}}


@dataclass(frozen=True, kw_only=True)
class Raw(Body):
    """Bytes that the route takes as they came, so that it can record them before it understands them."""

    max_bytes: int | None = 1_048_576
    types: frozenset[str] = frozenset({JSON})

    @property
    def media_types(self) -> frozenset[str]:
        return self.types

    @property
    def binary_types(self) -> frozenset[str]:
        return frozenset(one for one in self.types if not one.startswith("text/") and one not in (JSON, FORM))

    def read(self, call: Call) -> None:
        """Nothing is left to do: the bytes are there."""

    def content(self, model: Mapping[str, Any] | None) -> dict[str, Any]:  # noqa: ARG002 it has no fields
        return {
            one: {"schema": {} if one == JSON else {"type": "string", "format": "binary"}}
            for one in sorted(self.types or {"*/*"})
        }


def parse_form(data: bytes) -> list[tuple[str, str]]:
    """The parameters of a form in the order sent, empty ones too. Raises Invalid for what is not UTF-8."""
    try:
        return parse_qsl(
            data.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS, separator="&"
        )
    except UnicodeDecodeError:
        raise Invalid("The form is not UTF-8.", code="invalid_form") from None
    except ValueError:
        raise Invalid(f"The form has more than {_MOST_PARAMETERS:,} parameters.", code="invalid_form") from None


def receive(kind: Body, call: Call, largest: int) -> None:
    """Check the size and the media type of a body, and take its bytes. Raises TooLarge, UnsupportedMedia or Invalid."""
    request, limit = call.request, kind.limit(largest)
    if request.size() > limit:
        raise TooLarge(f"The body is larger than {limit:,} bytes.", limit=limit)
    if isinstance(kind, Json):
        # A request without a body has no type, and one that states none is taken for JSON.
        if request.body:
            _require(kind, media_type.essence_of(request.headers.get("content-type", JSON)))
        return
    call.media_type = _stated(kind, request.header("content-type") or "")
    call.raw = request.data()


def _stated(kind: Body, text: str) -> MediaType:
    _require(kind, media_type.essence_of(text))
    try:
        stated = media_type.parse(text) if text or kind.media_types else MediaType("", {})
    except ValueError as error:
        raise Invalid(f"The header Content-Type {error}.", fields={"content-type": str(error)}) from None
    if isinstance(kind, Form) and not stated.is_utf_8:
        raise UnsupportedMedia("Send the form as UTF-8.", received=stated.parameters["charset"][:100])
    return stated


def _require(kind: Body, essence: str) -> None:
    if kind.media_types and essence not in kind.media_types:
        raise UnsupportedMedia(f"This takes {' or '.join(sorted(kind.media_types))}.", received=essence[:100])


def authenticate(kind: Body, call: Call, largest: int) -> None:
    """Find out who signed a body, before anything else of it is read. Raises Forbidden, which says no more."""
    assert kind.verify is not None
    receive(kind, call, largest)
    if call.request.query():
        # No signature that we can check covers it.
        raise Forbidden(_NOT_SIGNED, code="bad_signature")
    if isinstance(kind, Form):
        try:
            call.parameters = parse_form(call.raw)
        except Invalid:
            raise Forbidden(_NOT_SIGNED, code="bad_signature") from None
    call.signer = kind.verify(Signed(call.request, call.raw, call.parameters))
    if not call.signer:
        raise Forbidden(_NOT_SIGNED, code="bad_signature")
