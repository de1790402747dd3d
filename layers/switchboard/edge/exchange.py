"""One request on its way through the pipeline: what each step found out, for the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from switchboard.accounts.models import Caller, KeyKind
from switchboard.edge import cors
from switchboard.edge.bodies import Body, JsonBody
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.permissions import Permission

if TYPE_CHECKING:
    from switchboard.access.keys import KeyIdentity
    from switchboard.access.sessions import SessionIdentity
    from switchboard.edge.dialect import Dialect
    from switchboard.edge.http import Request
    from switchboard.edge.media_type import MediaType
    from switchboard.edge.multipart import Upload
    from switchboard.edge.rate_windows import Limits
    from switchboard.edge.router import Router


class AuthenticationScheme(NamedTuple):
    """A way to authenticate that is not the dialect's own: its name in the document, and how it is done."""

    name: str
    authenticate: Callable[[Exchange], None]


_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """What the edge knows of a route: who may call it, and how it treats retries and bodies."""

    method: str
    path: str
    #: Anybody may call it.
    public: bool = False
    #: The kinds of key that may call it; `None` for all that the dialect takes.
    keys: frozenset[KeyKind] | None = None
    #: What a member has to be allowed. Without one, whoever is signed in may call it, for themselves.
    permission: Permission | None = None
    #: The answer shows a credential, so that its record is kept encrypted.
    secret: bool = False
    #: How its callers are authenticated, where not as the dialect does it.
    scheme: AuthenticationScheme | None = None
    #: The origins whose scripts may call it (CORS).
    cross_origin: cors.CorsPolicy | None = None
    #: The kind of its body. A method without a body has none.
    body: Body = field(default_factory=JsonBody)
    #: For each variable of the path the prefix of its ids, if it is known, and the refusal of what cannot be one.
    ids: Sequence[str | None] = ()
    unknown: str = ""

    def __post_init__(self) -> None:
        if self.signed and (self.public or self.scheme or self.keys or self.permission):
            raise ValueError(f"{self.name}: its signature authenticates it, so it takes no other way")
        if self.cross_origin and not (self.scheme or (self.public and not self.cross_origin.by_token)):
            raise ValueError(f"{self.name}: give it a scheme, since browsers send cookies from other origins, too")
        if self.public and self.body.needs_owner:
            raise ValueError(f"{self.name}: a file belongs to an organization, so the operation cannot be public")

    @property
    def name(self) -> str:
        """The operation in messages."""
        return f"{self.method} {self.path}"

    @property
    def takes_body(self) -> bool:
        """Whether a body is read."""
        return self.method in _WITH_BODY

    @property
    def signed(self) -> bool:
        """Whether its body's signature tells who calls."""
        return self.takes_body and self.body.verify is not None

    @property
    def idempotent(self) -> bool:
        """Whether it takes an Idempotency-Key, where its dialect does."""
        return self.method in _WITH_BODY or self.method == "DELETE"


class Exchange:
    """A request under way."""

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
        #: How its API speaks, and the routes of its function.
        self.dialect = dialect
        self.router = router
        self.request = request
        self.context = context
        self.request_id = dialect.request_id()
        self.correlation_id: str | None = None
        self.operation: Operation | None = None
        self.credential = ""
        #: Who calls: by a key, or as a person.
        self.snapshot: KeyIdentity | None = None
        self.signed_in: SessionIdentity | None = None
        #: What an operation's own scheme let in.
        self.bearer: Any = None
        #: The provider's account that signed the body.
        self.signer: str | None = None
        #: The origins that the caller's token allows, which its scheme sets, and the one that was found to be allowed.
        self.origins: Sequence[str] = ()
        self.origin: str | None = None
        self.limits: Limits | None = None
        self.effect: IdempotencyKey | None = None
        #: The body: what the route's model is made of; its bytes, unless it is JSON; its type, and what else its kind
        #: found in it. A digest stands for it where its bytes differ from one attempt to the next.
        self.body: Any = None
        self.raw = b""
        self.media_type: MediaType | None = None
        self.parameters: list[tuple[str, str]] = []
        self.upload: Upload | None = None
        self.digest: str | None = None
        self.replayed = False
        #: The cookies that the answer sets.
        self.cookies: list[str] = []

    @property
    def admitted(self) -> KeyIdentity | SessionIdentity | None:
        """Who was let in, by whichever credential."""
        return self.snapshot or self.signed_in

    @property
    def caller(self) -> Caller:
        """Who is calling. Only behind authentication."""
        from switchboard.access import keys as access

        assert self.snapshot is not None
        assert self.correlation_id is not None
        return access.caller_of(self.snapshot, self.correlation_id, self.effect)

    @property
    def log(self) -> Mapping[str, Any]:
        """What a log line says of the call: never a secret, never a body."""
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
