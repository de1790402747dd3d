"""One request on its way through the pipeline: what each step found out, for the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from switchboard.accounts.models import Caller, KeyKind
from switchboard.aws.effect import Effect
from switchboard.team.permissions import Permission

if TYPE_CHECKING:
    from switchboard.access.service import Snapshot
    from switchboard.access.sessions import SignedIn
    from switchboard.edge.http import Request
    from switchboard.edge.rate_limit import Limits


class Scheme(NamedTuple):
    """A way to authenticate that is not the dialect's own: its name in the document, and how it is done."""

    name: str
    authenticate: Callable[[Call], None]


class Operation:
    """What the edge knows of a route: who may call it, and how it treats retries and bodies."""

    __slots__ = (
        "cross_origin",
        "idempotent",
        "ids",
        "keys",
        "method",
        "path",
        "permission",
        "public",
        "scheme",
        "secret",
        "takes_body",
        "unknown",
    )

    def __init__(
        self,
        method: str,
        path: str,
        *,
        public: bool = False,
        keys: frozenset[KeyKind] | None = None,
        secret: bool = False,
        scheme: Scheme | None = None,
        cross_origin: bool = False,
        permission: Permission | None = None,
        ids: Sequence[str | None] = (),
        unknown: str = "",
    ) -> None:
        self.method = method
        self.path = path
        self.public = public
        self.keys = keys
        #: What a member has to be allowed. Without one, whoever is signed in may call it, for themselves.
        self.permission = permission
        #: The answer shows a credential, so that its record is kept encrypted.
        self.secret = secret
        #: How its callers are authenticated, where not as the dialect does it.
        self.scheme = scheme
        #: Scripts of other origins may call it (CORS).
        self.cross_origin = cross_origin
        #: For each variable of the path the prefix of its ids, if it is known, and the refusal of what cannot be one.
        self.ids = ids
        self.unknown = unknown
        self.takes_body = method in ("POST", "PUT", "PATCH")
        self.idempotent = method in ("POST", "PUT", "PATCH", "DELETE")


class Call:
    """A request under way."""

    __slots__ = (
        "bearer",
        "body",
        "context",
        "cookies",
        "correlation_id",
        "credential",
        "effect",
        "limits",
        "operation",
        "replayed",
        "request",
        "request_id",
        "signed_in",
        "snapshot",
    )

    def __init__(self, request: Request, context: Any, request_id: str) -> None:
        self.request = request
        self.context = context
        self.request_id = request_id
        self.correlation_id: str | None = None
        self.operation: Operation | None = None
        self.credential = ""
        #: Who calls: by a key, or as a person.
        self.snapshot: Snapshot | None = None
        self.signed_in: SignedIn | None = None
        #: What an operation's own scheme let in.
        self.bearer: Any = None
        self.limits: Limits | None = None
        self.effect: Effect | None = None
        self.body: Any = None
        self.replayed = False
        #: The cookies that the answer sets.
        self.cookies: list[str] = []

    @property
    def admitted(self) -> Snapshot | SignedIn | None:
        """Who was let in, by whichever credential."""
        return self.snapshot or self.signed_in

    @property
    def caller(self) -> Caller:
        """Who is calling. Only behind authentication."""
        from switchboard.access import service as access

        assert self.snapshot is not None
        assert self.correlation_id is not None
        return access.caller(self.snapshot, self.correlation_id, self.effect)

    @property
    def log(self) -> Mapping[str, Any]:
        """What a log line says of the call: never a secret, never a body."""
        return {
            "request_id": self.request_id,
            "correlation_id": self.correlation_id,
            "org_id": self.admitted.organisation.id if self.admitted and self.admitted.organisation else None,
            "key_id": self.snapshot.key.id if self.snapshot else None,
            "user_id": self.signed_in.user.id if self.signed_in else None,
            "method": self.request.method,
            "route": self.operation.path if self.operation else None,
        }
