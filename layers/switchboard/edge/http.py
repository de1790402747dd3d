"""API Gateway's request and response events (REST API, payload version 1), and the media types of their bodies.

Media types are those of RFC 9110, 8.3.1: case-insensitive `type/subtype`, and parameters that may be quoted.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from switchboard.errors import Invalid

_MAX_MEDIA_TYPE_CHARACTERS = 1_000
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 a grammar
_ESSENCE = re.compile(f"{_TOKEN}/{_TOKEN}")
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*(?:({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*"))?')
_ESCAPED = re.compile(r"\\(.)")
#: UTF-8 and its subsets.
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class Request:
    """A request, parsed from a proxy event."""

    __slots__ = ("body", "event", "headers", "method", "path", "source_ip")

    def __init__(self, event: dict[str, Any], base_path: str) -> None:
        self.event = event
        self.method: str = event["httpMethod"].upper()
        # With a custom domain the path includes the base path. At the API's own address it does not.
        path: str = event["path"]
        self.path = path if path.startswith(base_path) else base_path + path
        self.headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        identity = event.get("requestContext", {}).get("identity") or {}
        self.source_ip: str = identity.get("sourceIp") or ""
        self.body: str | None = event.get("body")

    def header(self, name: str) -> str | None:
        """Returns the value of a header. Raises Invalid if the client sent several different values."""
        values = self.values(name)
        if len(set(values)) > 1:
            raise Invalid(
                f"The header {name} was sent more than once. Send it once.", fields={name: "was sent more than once"}
            )
        return values[0] if values else None

    def values(self, name: str) -> list[str]:
        """Returns all values of a header."""
        for key, values in (self.event.get("multiValueHeaders") or {}).items():
            if key.lower() == name:
                return list(values)
        value = self.headers.get(name)
        return [] if value is None else [value]

    def query(self) -> list[tuple[str, list[str]]]:
        """Returns the query parameters sorted by name, each with all values in the order sent."""
        several = self.event.get("multiValueQueryStringParameters")
        if several is None:
            several = {name: [value] for name, value in (self.event.get("queryStringParameters") or {}).items()}
        return sorted((name, list(values)) for name, values in several.items())

    def cookie(self, name: str) -> str | None:
        """Returns the value of a cookie. Of several with one name the first has the longest path (RFC 6265, 5.4)."""
        for header in self.values("cookie"):
            for part in header.split(";"):
                found, _, value = part.strip().partition("=")
                if found == name:
                    return value.strip('"')
        return None

    def size(self) -> int:
        """Returns the length of the body in bytes."""
        if not self.body:
            return 0
        if self.event.get("isBase64Encoded"):
            return len(self.body) * 3 // 4 - self.body.count("=", -2)
        return len(self.body.encode(errors="surrogatepass"))

    def data(self) -> bytes:
        """Returns the bytes of the body. Raises Invalid if they cannot be decoded."""
        if not self.body:
            return b""
        try:
            if self.event.get("isBase64Encoded"):
                return base64.b64decode(self.body, validate=True)
            return self.body.encode()
        except ValueError:
            raise Invalid("The body did not arrive complete. Send it again.") from None

    def text(self) -> str:
        """Returns the body as text. Raises Invalid if it is not UTF-8."""
        try:
            return self.data().decode()
        except (ValueError, Invalid):
            raise Invalid("The body is not UTF-8: encode it as UTF-8.", code="invalid_json") from None


class Reply:
    """A response: status, headers and body."""

    __slots__ = ("body", "cookies", "headers", "status")

    def __init__(self, status: int, body: str = "", headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        #: The values of the Set-Cookie headers.
        self.cookies: list[str] = []

    @classmethod
    def json(cls, status: int, value: Any, content_type: str = "application/json", **headers: str) -> Reply:
        """Returns a JSON response."""
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return cls(status, body, {"content-type": content_type, **headers})

    def as_event(self) -> dict[str, Any]:
        """Returns the response in API Gateway's format."""
        return {
            "statusCode": self.status,
            "headers": self.headers,
            "multiValueHeaders": {"Set-Cookie": self.cookies} if self.cookies else {},
            "body": self.body,
            "isBase64Encoded": False,
        }


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
