"""One endpoint group: its routes, and the pipeline that every request of it goes through."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestValidationError,
    ResponseValidationError,
)

from switchboard import telemetry
from switchboard.accounts.models import Caller, KeyKind
from switchboard.edge import cors, problems, steps
from switchboard.edge.bodies import JSON, Body, Json
from switchboard.edge.call import Call, Operation, Scheme
from switchboard.edge.dialects.base import INTERNAL, Dialect
from switchboard.edge.fields import is_id
from switchboard.edge.http import Reply, Request
from switchboard.edge.signatures import Signed
from switchboard.errors import DomainError, Invalid, MethodNotAllowed, NotFound
from switchboard.team.permissions import Permission

if TYPE_CHECKING:
    from switchboard.access.sessions import SignedIn
    from switchboard.edge.multipart import Upload
    from switchboard.team.models import Member

_Route = TypeVar("_Route", bound=Callable[..., Any])
#: A variable of a path, with the prefix of its ids if the route says it: `<agt:agent_id>`.
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_SEGMENT = "[^/]+"
#: The prefix of a variable that is no id, such as an address: the route says what it may be (`<any:address>`).
_ANY = "any"
#: Where no route says what is not there.
_UNKNOWN = "There is nothing with this id."


class _Resolver(APIGatewayRestResolver):
    """Powertools' resolver, which takes every character in a path and percent-decodes path parameters."""

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "") -> re.Pattern[str]:  # noqa: ARG004 Powertools' signature
        return re.compile(_PARAMETER.sub(rf"(?P<\2>{_SEGMENT})", rule) + r"/*\Z")

    def _convert_matches_into_route_keys(self, match: re.Match[str]) -> dict[str, str]:
        return {name: unquote(value) for name, value in match.groupdict().items()}


class Shared(NamedTuple):
    """A path that scripts of other origins may call: from where, and by which methods."""

    policy: cors.Policy
    methods: list[str]


class Api:
    """The routes of one Lambda function, in one dialect.

    `handler` is the function's entry point. Inside a route, `caller` or `member` tells who is calling. `tags` says for
    the document what the routes' tags are about, where the dialect's own description does not.
    """

    def __init__(self, dialect: Dialect, group: str, tags: Mapping[str, str] | None = None) -> None:
        self.dialect = dialect
        self.group = group
        self.tags = tags or {}
        self.operations: list[Operation] = []
        self._static: dict[str, dict[str, Operation]] = {}
        self._dynamic: list[tuple[re.Pattern[str], dict[str, Operation]]] = []
        self._call: Call | None = None
        self.resolver = _Resolver(
            enable_validation=True,
            response_validation_error_http_code=500,
            json_body_deserializer=lambda _: self._current.body,
        )
        self.resolver.exception_handler(Exception)(_raise)
        self.resolver.not_found(_nothing_here)

    @property
    def _current(self) -> Call:
        assert self._call is not None, "there is a caller only while a request is served"
        return self._call

    @property
    def caller(self) -> Caller:
        """Whose key is calling."""
        return self._current.caller

    @property
    def member(self) -> Member:
        """The member who is calling, behind a route's permission."""
        call = self._current
        assert call.signed_in is not None
        assert call.correlation_id is not None
        return call.signed_in.member(call.correlation_id, call.effect)

    @property
    def signed_in(self) -> SignedIn:
        """The person who is calling, with their session."""
        signed_in = self._current.signed_in
        assert signed_in is not None
        return signed_in

    @property
    def raw(self) -> bytes:
        """The bytes of the body, unless it is JSON that the route has a model of."""
        return self._current.raw

    @property
    def signed(self) -> Signed:
        """What the body's signature covers."""
        call = self._current
        return Signed(call.request, call.raw, call.parameters)

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """The parameters of a form, in the order sent."""
        return self._current.parameters

    @property
    def upload(self) -> Upload:
        """The file of a multipart body. It is stored when the route says so."""
        upload = self._current.upload
        assert upload is not None, "the operation's body is no Multipart"
        return upload

    @property
    def signer(self) -> str:
        """The provider's account that signed the body."""
        signer = self._current.signer
        assert signer is not None, "the operation's body has no verify"
        return signer

    @property
    def call(self) -> Call:
        """The request under way, for the few routes that answer a stranger."""
        return self._current

    def route(
        self,
        method: str,
        path: str,
        *,
        summary: str,
        operation_id: str,
        tag: str,
        description: str | None = None,
        status: int = 200,
        media_type: str | None = None,
        responses: dict[int, str] | None = None,
        public: bool = False,
        keys: frozenset[KeyKind] | None = None,
        secret: bool = False,
        scheme: Scheme | None = None,
        cross_origin: cors.Policy | None = None,
        permission: Permission | None = None,
        body: Body | None = None,
    ) -> Callable[[_Route], _Route]:
        """Register a route. `responses` are the refusals it may give, by status, for the document.

        `body` is the kind of its body, JSON where nothing is said (`switchboard.edge.bodies`).
        `media_type` is that of a text which is not described by a model. A variable in the path may say the prefix of
        its ids (`<agt:agent_id>`). What cannot be such an id is refused before the route runs, as 404 with the text of
        `responses[404]`. A variable that is no id at all says `any`.
        """
        ids = [prefix or None for prefix, _ in _PARAMETER.findall(path)]
        path = _PARAMETER.sub(r"<\2>", path)
        self._register(
            Operation(
                method=method,
                path=path,
                body=body or Json(),
                ids=ids,
                unknown=(responses or {}).get(404, _UNKNOWN),
                public=public,
                keys=keys,
                secret=secret,
                scheme=scheme,
                cross_origin=cross_origin,
                permission=permission,
            )
        )
        declared: dict[int, Any] = {status: {"description": summary}}
        declared |= {number: {"description": text} for number, text in (responses or {}).items()}
        if media_type:
            declared[status]["content"] = {media_type: {"schema": {"type": "string"}}}
        return self.resolver.route(
            path,
            method,
            summary=summary,
            description=description,
            operation_id=operation_id,
            tags=[tag],
            responses=declared,
            status_code=status,
            security=[] if public else None,
        )

    def get(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Register a GET route."""
        return self.route("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Register a POST route."""
        return self.route("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Register a PUT route."""
        return self.route("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Register a PATCH route."""
        return self.route("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[_Route], _Route]:
        """Register a DELETE route."""
        return self.route("DELETE", path, **options)

    def _register(self, operation: Operation) -> None:
        if (shared := self.cross_origin(operation.path)) and operation.cross_origin not in (None, shared.policy):
            raise ValueError(f"{operation.name}: other methods of this path are for other origins")
        self.operations.append(operation)
        if not _PARAMETER.search(operation.path):
            self._static.setdefault(operation.path, {})[operation.method] = operation
            return
        pattern = re.compile(_PARAMETER.sub(rf"({_SEGMENT})", operation.path))
        for known, methods in self._dynamic:
            if known.pattern == pattern.pattern:
                methods[operation.method] = operation
                return
        self._dynamic.append((pattern, {operation.method: operation}))

    def find(self, method: str, path: str) -> Operation:
        """The operation at a path. Raises NotFound, or MethodNotAllowed with what is allowed."""
        methods = self._at(path)
        if methods is None:
            raise NotFound("There is nothing at this path.", code="unknown_path")
        operation = methods.get(method)
        if operation is None:
            raise MethodNotAllowed(f"This path does not take {method[:20]}.", allow=sorted(methods))
        return operation

    def cross_origin(self, path: str) -> Shared | None:
        """What scripts of other origins may do at a path, if anything."""
        found = [operation for operation in (self._at(path) or {}).values() if operation.cross_origin]
        if not found:
            return None
        assert found[0].cross_origin is not None
        return Shared(found[0].cross_origin, sorted(operation.method for operation in found))

    def _at(self, path: str) -> dict[str, Operation] | None:
        path = path.rstrip("/")
        methods = self._static.get(path)
        if methods is None:
            methods = next((found for pattern, found in self._dynamic if pattern.fullmatch(path)), None)
        return methods

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Lambda's entry point."""
        started = time.perf_counter()
        call = self._call = Call(Request(event, self.dialect.base_path), context, self.dialect.request_id())
        try:
            with telemetry.traced(self.group, api=self.dialect.name, request_id=call.request_id):
                reply = self._run(call, self.dialect.steps)
        except DomainError as error:
            reply = self._refuse(error, call)
        except Exception:  # noqa: BLE001 the last resort: a stranger gets an answer, and we the trace
            telemetry.logger().exception("unhandled", extra=dict(call.log))
            telemetry.metric("UnhandledError", Api=self.dialect.name)
            reply = self._refuse(DomainError(INTERNAL, code="internal_error"), call)
        finally:
            self._call = None
        # What a route says of its own answer counts: a page or an asset may be cached.
        reply.headers = self.dialect.headers(call) | reply.headers
        reply.cookies = call.cookies
        if shared := self.cross_origin(call.request.path):
            reply.headers |= shared.policy.headers(call, self.dialect.exposed)
        telemetry.logger().info(
            "request",
            extra={
                **call.log,
                "status": reply.status,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "replayed": call.replayed,
            },
        )
        return reply.as_event()

    def _run(self, call: Call, remaining: Sequence[steps.Step]) -> Reply:
        return remaining[0](self, call, partial(self._run, call, remaining[1:]))

    def _refuse(self, error: DomainError, call: Call) -> Reply:
        # Whoever was turned away before the limits were counted is counted here, by address if nothing else is known.
        if call.limits is None:
            call.limits = self.dialect.limit(call)
            try:
                steps.check(call.limits)
            except DomainError as too_many:
                error = too_many
        return self.dialect.refuse(error, call)

    def resolve(self, call: Call) -> Reply:
        """Validate the input and run the route, by Powertools. Raises Invalid, NotFound, or what the route raises."""
        self._require_ids(call)
        event = _as_read(call)
        try:
            answer = self.resolver.resolve(event, call.context)
        except RequestValidationError as error:
            raise Invalid("The request is not valid.", fields=problems.by_field(error.errors())) from None
        except ResponseValidationError as error:
            raise RuntimeError(f"an answer does not match its model: {telemetry.problems(error)}") from None
        headers = {name.lower(): values[0] for name, values in (answer.get("multiValueHeaders") or {}).items()}
        return Reply(answer["statusCode"], answer.get("body") or "", headers)

    def _require_ids(self, call: Call) -> None:
        """Raise NotFound for what stands in the path and cannot be an id: no look-up is made for it."""
        operation = call.operation
        assert operation is not None
        if not operation.ids:
            return
        path = call.request.path.rstrip("/")
        match = next(match for pattern, _ in self._dynamic if (match := pattern.fullmatch(path)))
        for prefix, value in zip(operation.ids, match.groups(), strict=True):
            if prefix != _ANY and not is_id(unquote(value), prefix):
                raise NotFound(operation.unknown)


def _as_read(call: Call) -> dict[str, Any]:
    """The event as Powertools takes it: it compares media types letter by letter, and the body has been read."""
    event = {**call.request.event, "path": call.request.path}
    if call.operation and call.operation.takes_body:
        several = event.get("multiValueHeaders") or {}
        event["headers"] = {**_without_type(event.get("headers") or {}), "content-type": JSON}
        event["multiValueHeaders"] = {**_without_type(several), "content-type": [JSON]}
        if call.body is not None:
            # It reads no bytes: the deserializer hands it what was read.
            event |= {"body": "{}", "isBase64Encoded": False}
    return event


def _without_type(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name.lower() != "content-type"}


def _raise(error: Exception) -> Any:
    raise error


def _nothing_here(_: Exception) -> Any:
    # Powertools finds what `find` found. Should it not, the answer still is in the dialect.
    raise NotFound("There is nothing at this path.", code="unknown_path")
