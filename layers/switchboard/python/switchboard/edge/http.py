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
        return len(self.body) * 3 // 4 if self.event.get("isBase64Encoded") else len(self.body.encode())

    def text(self) -> str:
        """The body as text. Raises Invalid where it is not UTF-8."""
        if not self.body or not self.event.get("isBase64Encoded"):
            return self.body or ""
        try:
            return base64.b64decode(self.body).decode()
        except ValueError:
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
