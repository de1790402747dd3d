"""A request as API Gateway hands it over (REST, payload v1), and a reply as it takes it back."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from switchboard.errors import Invalid


class Request:
    """A proxy event, read once."""

    __slots__ = ("body", "event", "headers", "method", "path", "source_ip")

    def __init__(self, event: dict[str, Any], base_path: str) -> None:
        self.event = event
        self.method: str = event["httpMethod"].upper()
        # The domain's base path mapping leaves the path whole; the API's own address has it without the base path.
        path: str = event["path"]
        self.path = path if path.startswith(base_path) else base_path + path
        self.headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        identity = event.get("requestContext", {}).get("identity") or {}
        self.source_ip: str = identity.get("sourceIp") or ""
        self.body: str | None = event.get("body")

    def header(self, name: str) -> str | None:
        """A header's value. Raises Invalid when a client sent it twice with different values."""
        values = self.values(name)
        if len(set(values)) > 1:
            raise Invalid(f"The header {name} was sent more than once.", fields={name: "is ambiguous"})
        return values[0] if values else None

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        for key, values in (self.event.get("multiValueHeaders") or {}).items():
            if key.lower() == name:
                return list(values)
        value = self.headers.get(name)
        return [] if value is None else [value]

    def query(self) -> list[tuple[str, list[str]]]:
        """The query string's parameters by name, each with all its values in the order sent."""
        several = self.event.get("multiValueQueryStringParameters")
        if several is None:
            several = {name: [value] for name, value in (self.event.get("queryStringParameters") or {}).items()}
        return sorted((name, list(values)) for name, values in several.items())

    def cookie(self, name: str) -> str | None:
        """A cookie's value. Of several with one name it is the first: the one with the longest path (RFC 6265, 5.4)."""
        for header in self.values("cookie"):
            for part in header.split(";"):
                found, _, value = part.strip().partition("=")
                if found == name:
                    return value.strip('"')
        return None

    def size(self) -> int:
        """The body's length in bytes."""
        if not self.body:
            return 0
        if self.event.get("isBase64Encoded"):
            return len(self.body) * 3 // 4 - self.body.count("=", -2)
        return len(self.body.encode(errors="surrogatepass"))

    def data(self) -> bytes:
        """The body's bytes. Raises Invalid where it cannot be told which they were."""
        if not self.body:
            return b""
        try:
            if self.event.get("isBase64Encoded"):
                return base64.b64decode(self.body, validate=True)
            return self.body.encode()
        except ValueError:
            raise Invalid("The body did not arrive whole. Send it again.") from None

    def text(self) -> str:
        """The body as text. Raises Invalid where it is not UTF-8."""
        try:
            return self.data().decode()
        except (ValueError, Invalid):
            raise Invalid("The body is not UTF-8.", code="invalid_json") from None


class Reply:
    """A status, headers and a body."""

    __slots__ = ("body", "cookies", "headers", "status")

    def __init__(self, status: int, body: str = "", headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        #: The values of its Set-Cookie headers.
        self.cookies: list[str] = []

    @classmethod
    def json(cls, status: int, value: Any, content_type: str = "application/json", **headers: str) -> Reply:
        """A JSON reply."""
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return cls(status, body, {"content-type": content_type, **headers})

    def as_event(self) -> dict[str, Any]:
        """The reply in API Gateway's form."""
        return {
            "statusCode": self.status,
            "headers": self.headers,
            "multiValueHeaders": {"Set-Cookie": self.cookies} if self.cookies else {},
            "body": self.body,
            "isBase64Encoded": False,
        }
