"""An HTTP exchange: a request in the pipeline, with the results of each step for the steps that follow.

Request and response are API Gateway's events (REST API, payload version 1).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from switchboard.access import keys as access
from switchboard.accounts.models import Caller
from switchboard.errors import Invalid
from switchboard.persistence.idempotency import IdempotencyKey

if TYPE_CHECKING:
    from switchboard.access.keys import KeyIdentity
    from switchboard.access.sessions import SessionIdentity
    from switchboard.edge.bodies import MediaType
    from switchboard.edge.dialect import Dialect
    from switchboard.edge.multipart import Upload
    from switchboard.edge.rate_counters import Limits
    from switchboard.edge.router import Operation, Router


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
        values = self.header_values(name)
        if len(set(values)) > 1:
            raise Invalid(
                f"The header {name} was sent more than once. Send it once.", fields={name: "was sent more than once"}
            )
        return values[0] if values else None

    def header_values(self, name: str) -> list[str]:
        """Returns all values of a header."""
        for key, values in (self.event.get("multiValueHeaders") or {}).items():
            if key.lower() == name:
                return list(values)
        value = self.headers.get(name)
        return [] if value is None else [value]

    def query_parameters(self) -> list[tuple[str, list[str]]]:
        """Returns the query parameters sorted by name, each with all values in the order sent."""
        several = self.event.get("multiValueQueryStringParameters")
        if several is None:
            several = {name: [value] for name, value in (self.event.get("queryStringParameters") or {}).items()}
        return sorted((name, list(values)) for name, values in several.items())

    def cookie(self, name: str) -> str | None:
        """Returns the value of a cookie. Of several with one name the first has the longest path (RFC 6265, 5.4)."""
        for header in self.header_values("cookie"):
            for part in header.split(";"):
                found, _, value = part.strip().partition("=")
                if found == name:
                    return value.strip('"')
        return None

    def body_size(self) -> int:
        """Returns the length of the body in bytes."""
        if not self.body:
            return 0
        if self.event.get("isBase64Encoded"):
            return len(self.body) * 3 // 4 - self.body.count("=", -2)
        return len(self.body.encode(errors="surrogatepass"))

    def body_bytes(self) -> bytes:
        """Returns the bytes of the body. Raises Invalid if they cannot be decoded."""
        if not self.body:
            return b""
        try:
            if self.event.get("isBase64Encoded"):
                return base64.b64decode(self.body, validate=True)
            return self.body.encode()
        except ValueError:
            raise Invalid("The body did not arrive complete. Send it again.") from None

    def body_text(self) -> str:
        """Returns the body as text. Raises Invalid if it is not UTF-8."""
        try:
            return self.body_bytes().decode()
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

    def to_event(self) -> dict[str, Any]:
        """Returns the response in API Gateway's format."""
        return {
            "statusCode": self.status,
            "headers": self.headers,
            "multiValueHeaders": {"Set-Cookie": self.cookies} if self.cookies else {},
            "body": self.body,
            "isBase64Encoded": False,
        }


class Exchange:
    """An HTTP request in progress, and what is known about it so far."""

    __slots__ = (
        "bearer",
        "body",
        "context",
        "cookies",
        "correlation_id",
        "credential",
        "dialect",
        "digest",
        "effect",
        "key_identity",
        "limits",
        "media_type",
        "operation",
        "origin",
        "origins",
        "parameters",
        "raw",
        "replayed",
        "request",
        "request_id",
        "router",
        "signed_in",
        "signer",
        "status",
        "upload",
    )

    def __init__(self, request: Request, context: Any, dialect: Dialect, router: Router) -> None:
        #: The dialect of the API, and the routes of the function.
        self.dialect = dialect
        self.router = router
        self.request = request
        self.context = context
        self.request_id = dialect.request_id()
        self.correlation_id: str | None = None
        self.operation: Operation | None = None
        #: The key, cookie or token that authenticated the request. It is part of the scope of an Idempotency-Key.
        self.credential = ""
        #: The client: the owner of a key, or a person with a session.
        self.key_identity: KeyIdentity | None = None
        self.signed_in: SessionIdentity | None = None
        #: The client that an operation's own scheme authenticated. If its dialect accepts an Idempotency-Key, the
        #: scheme sets the credential too.
        self.bearer: Any = None
        #: The provider account that signed the body.
        self.signer: str | None = None
        #: The origins that the client's token allows, set by the scheme, and the allowed origin of this request.
        self.origins: Sequence[str] = ()
        self.origin: str | None = None
        self.limits: Limits | None = None
        self.effect: IdempotencyKey | None = None
        #: The body as the input of the route's model.
        self.body: Any = None
        #: The bytes of the body (empty for a `JsonBody`), its type, and the parts of a form or an upload.
        self.raw = b""
        self.media_type: MediaType | None = None
        self.parameters: list[tuple[str, str]] = []
        self.upload: Upload | None = None
        #: The body's part of the idempotency fingerprint, for bodies whose bytes differ between attempts.
        self.digest: str | None = None
        self.replayed = False
        #: The status of a success, if the route chose another one than its usual one (`Api.answer_with`).
        self.status: int | None = None
        #: The cookies that the response sets.
        self.cookies: list[str] = []

    @property
    def client_identity(self) -> KeyIdentity | SessionIdentity | None:
        """The authenticated client: the owner of a key, or a person with a session."""
        return self.key_identity or self.signed_in

    @property
    def caller(self) -> Caller:
        """The caller that the key belongs to. Only after authentication by a key."""
        assert self.key_identity is not None
        assert self.correlation_id is not None
        return access.caller_of(self.key_identity, self.correlation_id, self.effect)

    @property
    def log_fields(self) -> Mapping[str, Any]:
        """The fields of a log line about the request. No secrets and no bodies."""
        return {
            "request_id": self.request_id,
            "correlation_id": self.correlation_id,
            "org_id": self.client_identity.organization.id
            if self.client_identity and self.client_identity.organization
            else None,
            "key_id": self.key_identity.key.id if self.key_identity else None,
            "user_id": self.signed_in.user.id if self.signed_in else None,
            "signer": self.signer,
            "method": self.request.method,
            "route": self.operation.path if self.operation else None,
        }
