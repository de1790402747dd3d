"""One endpoint group: its routes, and the entry point of its Lambda function."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from switchboard import telemetry
from switchboard.accounts.models import Caller, KeyKind
from switchboard.edge import landing, pipeline, rate_limit
from switchboard.edge.dialect import Dialect
from switchboard.edge.exchange import Exchange, Reply, Request
from switchboard.edge.router import PARAMETER, Operation, Router
from switchboard.edge.signatures import SignedRequest
from switchboard.errors import DomainError

if TYPE_CHECKING:
    from switchboard.access.sessions import SessionIdentity
    from switchboard.edge.multipart import Upload
    from switchboard.team.models import Member

_Route = TypeVar("_Route", bound=Callable[..., Any])
#: The 404 message of routes without a message of their own.
_UNKNOWN = "There is no such object."


class Api:
    """The routes of one Lambda function, in one dialect.

    `handler` is the function's entry point. Inside a route, `caller` or `member` identifies the sender of the request.

    `tag` and `keys` are the defaults of the routes. `tags` describes tags in the API document that the dialect's own
    description does not have. The first of them is the default tag, if no `tag` is given.
    """

    def __init__(
        self,
        dialect: Dialect,
        group: str,
        *,
        tag: str | None = None,
        tags: Mapping[str, str] | None = None,
        keys: frozenset[KeyKind] | None = None,
    ) -> None:
        self.dialect = dialect
        self.group = group
        self.tags = tags or {}
        self._tag = tag or next(iter(self.tags), None)
        self._keys = keys
        self.router = Router(lambda: self._current.body)
        self._exchange: Exchange | None = None

    @property
    def _current(self) -> Exchange:
        assert self._exchange is not None, "no request is in progress"
        return self._exchange

    @property
    def caller(self) -> Caller:
        """The caller: the organization, and the agent if any, that the request's key belongs to."""
        return self._current.caller

    @property
    def member(self) -> Member:
        """The authorized member who makes the request. Only for routes with a permission."""
        exchange = self._current
        assert exchange.signed_in is not None
        assert exchange.correlation_id is not None
        return exchange.signed_in.to_member(exchange.correlation_id, exchange.effect)

    @property
    def signed_in(self) -> SessionIdentity:
        """The person who makes the request, with the session."""
        signed_in = self._current.signed_in
        assert signed_in is not None
        return signed_in

    @property
    def beside(self) -> Sequence[Any]:
        """Returns the objects that the operation reads together with the session (`Operation.beside`)."""
        return self.signed_in.beside

    @property
    def raw(self) -> bytes:
        """The bytes of the body. Empty for a `JsonBody`."""
        return self._current.raw

    @property
    def signed(self) -> SignedRequest:
        """The parts of the request that a signature can cover."""
        exchange = self._current
        return SignedRequest(exchange.request, exchange.raw, exchange.parameters)

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """The parameters of a form, in the order sent."""
        return self._current.parameters

    @property
    def upload(self) -> Upload:
        """The file of a multipart body. The route decides whether to store the file."""
        upload = self._current.upload
        assert upload is not None, "the operation does not have a multipart body"
        return upload

    @property
    def signer(self) -> str:
        """The provider account that signed the body."""
        signer = self._current.signer
        assert signer is not None, "the operation's body has no signature check"
        return signer

    def answer_with(self, status: int) -> None:
        """Sets the status of the route's success, one of those that the route declares (`also`)."""
        self._current.status = status

    @property
    def exchange(self) -> Exchange:
        """The exchange in progress, for the few routes that serve unauthenticated clients."""
        return self._current

    def route(
        self,
        method: str,
        path: str,
        *,
        summary: str,
        operation_id: str,
        tag: str | None = None,
        description: str | None = None,
        status: int = 200,
        also: dict[int, str] | None = None,
        media_type: str | None = None,
        responses: dict[int, str] | None = None,
        **options: Any,
    ) -> Callable[[_Route], _Route]:
        """Registers a route. `options` are fields of its `Operation`.

        `responses` describes the route's error responses by status, for the API document. `also` describes its other
        successes, which have the same model (`answer_with`). `media_type` is the type of a text response without a
        model.

        A path variable may name the prefix of its ids: `<agt:agent_id>`. A value that cannot be such an id gets 404
        with the text of `responses[404]`, and the route does not run. The prefix `any` marks a variable that is not an
        id.
        """
        tag = tag or self._tag
        assert tag is not None, f"{method} {path} has no tag: give it to the route or to its Api"
        ids = [prefix or None for prefix, _ in PARAMETER.findall(path)]
        path = PARAMETER.sub(r"<\2>", path)
        stated = responses or {}
        operation = Operation(
            method=method, path=path, ids=ids, unknown=stated.get(404, _UNKNOWN), **{"keys": self._keys, **options}
        )
        self.router.add_operation(operation)
        if refusal := self.dialect.key_refusals.get(operation.keys or frozenset()):
            stated = {403: refusal, **stated}
        declared: dict[int, Any] = {status: {"description": summary}}
        declared |= {number: {"description": text} for number, text in ((also or {}) | stated).items()}
        if media_type:
            declared[status]["content"] = {media_type: {"schema": {"type": "string"}}}
        return self.router.resolver.route(
            path,
            method,
            summary=summary,
            description=description,
            operation_id=operation_id,
            tags=[tag],
            responses=declared,
            status_code=status,
            security=[] if operation.public else None,
        )

    def get(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Registers a GET route."""
        return self.route("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Registers a POST route."""
        return self.route("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Registers a PUT route."""
        return self.route("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Registers a PATCH route."""
        return self.route("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Registers a DELETE route."""
        return self.route("DELETE", path, **options)

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Serves a Lambda event of API Gateway and returns its response. Every error of a route becomes a response."""
        started = time.perf_counter()
        exchange = self._exchange = Exchange(Request(event, self.dialect.base_path), context, self.dialect, self.router)
        try:
            with telemetry.traced(self.group, api=self.dialect.name, request_id=exchange.request_id):
                reply = pipeline.run(exchange, self.dialect.steps)
        except DomainError as error:
            reply = landing.redirect_to_documentation(exchange, error) or self._refuse(error, exchange)
        except Exception:  # noqa: BLE001 the client gets a response, the log gets the trace
            telemetry.logger().exception("unhandled", extra=dict(exchange.log_fields))
            telemetry.emit_metric("UnhandledError", Api=self.dialect.name)
            reply = self._refuse(DomainError(self.dialect.internal_text, code="internal_error"), exchange)
        finally:
            self._exchange = None
        # The headers of a route replace the default headers: a page or an asset may be cached.
        reply.headers = self.dialect.response_headers(exchange) | reply.headers
        reply.cookies = exchange.cookies
        if shared := self.router.find_cross_origin(exchange.request.path):
            reply.headers |= shared.policy.cors_headers(exchange, self.dialect.exposed)
        telemetry.logger().info(
            "request",
            extra={
                **exchange.log_fields,
                "status": reply.status,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "replayed": exchange.replayed,
            },
        )
        return reply.to_event()

    def _refuse(self, error: DomainError, exchange: Exchange) -> Reply:
        # A request that failed before the step `limit` is counted here. An unauthenticated request counts by address.
        if exchange.limits is None:
            exchange.limits = self.dialect.count_request(exchange)
            try:
                rate_limit.require_allowed(exchange.limits)
            except DomainError as too_many:
                error = too_many
        return self.dialect.error_reply(error, exchange)
