"""An HTTP exchange: a request in the pipeline, with the results of each step for the steps that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from switchboard.access import keys as access
from switchboard.accounts.models import Caller, KeyKind
from switchboard.edge import cors
from switchboard.edge.bodies import Body, JsonBody
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.permissions import Permission

if TYPE_CHECKING:
    from switchboard.access.keys import KeyIdentity
    from switchboard.access.sessions import SessionIdentity
    from switchboard.edge.dialect import Dialect
    from switchboard.edge.http import MediaType, Request
    from switchboard.edge.multipart import Upload
    from switchboard.edge.rate_counters import Limits
    from switchboard.edge.router import Router

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class AuthenticationScheme(NamedTuple):
    """Authentication that differs from the dialect's own: its name in the API document, and its function."""

    name: str
    authenticate: Callable[[Exchange], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """A route as the edge sees it: its permitted clients, and its handling of retries and bodies."""

    method: str
    path: str
    #: No authentication is needed.
    public: bool = False
    #: The permitted kinds of key; `None` for all kinds of the dialect.
    keys: frozenset[KeyKind] | None = None
    #: The permission that a member needs. Without a permission, every person with a session may use the operation.
    permission: Permission | None = None
    #: The response contains a credential, so its idempotency record is stored encrypted.
    secret: bool = False
    #: Authentication that replaces the authentication of the dialect.
    scheme: AuthenticationScheme | None = None
    #: The origins whose scripts may use the operation (CORS).
    cross_origin: cors.CorsPolicy | None = None
    #: The kind of body. Ignored for methods without a body.
    body: Body = field(default_factory=JsonBody)
    #: The prefix of the ids for each variable of the path, `None` for any prefix.
    ids: Sequence[str | None] = ()
    #: The 404 message for a value that cannot be such an id.
    unknown: str = ""

    def __post_init__(self) -> None:
        if self.signed and (self.public or self.scheme or self.keys or self.permission):
            raise ValueError(f"{self.name}: its signature authenticates it: remove public, scheme, keys and permission")
        if self.cross_origin and not (self.scheme or (self.public and not self.cross_origin.by_token)):
            raise ValueError(f"{self.name}: give it a scheme, because browsers send cookies from other origins too")
        if self.public and self.body.needs_owner:
            raise ValueError(f"{self.name}: a file belongs to an organization, so the operation cannot be public")

    @property
    def name(self) -> str:
        """The name of the operation in messages: method and path."""
        return f"{self.method} {self.path}"

    @property
    def takes_body(self) -> bool:
        """Whether the operation reads a body."""
        return self.method in _WITH_BODY

    @property
    def signed(self) -> bool:
        """Whether the signature of the body authenticates the client."""
        return self.takes_body and self.body.verify is not None

    @property
    def idempotent(self) -> bool:
        """Whether the operation accepts an Idempotency-Key, if its dialect does."""
        return self.method in _WITH_BODY or self.method == "DELETE"


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
        "snapshot",
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
        self.credential = ""
        #: The client: the owner of a key, or a person with a session.
        self.snapshot: KeyIdentity | None = None
        self.signed_in: SessionIdentity | None = None
        #: The client that an operation's own scheme authenticated.
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
        #: The cookies that the response sets.
        self.cookies: list[str] = []

    @property
    def admitted(self) -> KeyIdentity | SessionIdentity | None:
        """The authenticated client: the owner of a key, or a person with a session."""
        return self.snapshot or self.signed_in

    @property
    def caller(self) -> Caller:
        """The caller that the key belongs to. Only after authentication by a key."""
        assert self.snapshot is not None
        assert self.correlation_id is not None
        return access.caller_of(self.snapshot, self.correlation_id, self.effect)

    @property
    def log(self) -> Mapping[str, Any]:
        """The fields of a log line about the request. No secrets and no bodies."""
        return {
            "request_id": self.request_id,
            "correlation_id": self.correlation_id,
            "org_id": self.admitted.organization.id if self.admitted and self.admitted.organization else None,
            "key_id": self.snapshot.key.id if self.snapshot else None,
            "user_id": self.signed_in.user.id if self.signed_in else None,
            "signer": self.signer,
            "method": self.request.method,
            "route": self.operation.path if self.operation else None,
        }
