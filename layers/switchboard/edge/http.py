"""API Gateway's request and response events (REST API, payload version 1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from switchboard.errors import Invalid


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
            raise Invalid(f"The header {name} was sent more than once. Send it once.", fields={name: "is ambiguous"})
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
            raise Invalid("The body is not UTF-8.", code="invalid_json") from None


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
