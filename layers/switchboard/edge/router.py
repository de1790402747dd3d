"""The operations of one function: finds the operation of a path and runs its code by Powertools."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestValidationError,
    ResponseValidationError,
)

from switchboard import telemetry
from switchboard.accounts.models import KeyKind
from switchboard.aws.reads import Ref
from switchboard.edge import cors, field_errors
from switchboard.edge.bodies import JSON, Body, JsonBody
from switchboard.edge.exchange import Exchange, Reply
from switchboard.edge.fields import is_id
from switchboard.errors import Invalid, MethodNotAllowed, NotFound
from switchboard.team.permissions import Permission

#: A path variable, with an optional prefix of its ids: `<agt:agent_id>`.
PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_SEGMENT = "[^/]+"
#: The prefix of a variable that is not an id (`<any:address>`). The route validates its value.
_ANY = "any"


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
    #: No authentication is needed, or the address itself has the credential, which a `scheme` then checks.
    public: bool = False
    #: The permitted kinds of key; `None` for all kinds of the dialect.
    keys: frozenset[KeyKind] | None = None
    #: The permission that a member needs. Without a permission, every person with a session may use the operation.
    permission: Permission | None = None
    #: The references that are read together with the session, by the ids of the organization and the person.
    beside: Callable[[str, str], Sequence[Ref[Any]]] | None = None
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


class _Resolver(APIGatewayRestResolver):
    """Powertools' resolver, extended: accepts every character in a path and percent-decodes path parameters."""

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "") -> re.Pattern[str]:  # noqa: ARG004 Powertools' signature
        return re.compile(PARAMETER.sub(rf"(?P<\2>{_SEGMENT})", rule) + r"/*\Z")

    def _convert_matches_into_route_keys(self, match: re.Match[str]) -> dict[str, str]:
        return {name: unquote(value) for name, value in match.groupdict().items()}


class CrossOriginPath(NamedTuple):
    """A path that scripts of other origins may use: the permitted origins and methods."""

    policy: cors.CorsPolicy
    methods: list[str]


class Router:
    """The operations of a function by path and method, and the Powertools resolver that runs them."""

    def __init__(self, body_of: Callable[[], Any]) -> None:
        """`body_of` returns the parsed body of the request in progress."""
        self.operations: list[Operation] = []
        self._static: dict[str, dict[str, Operation]] = {}
        self._dynamic: list[tuple[re.Pattern[str], dict[str, Operation]]] = []
        self.resolver = _Resolver(
            enable_validation=True,
            response_validation_error_http_code=500,
            json_body_deserializer=lambda _: body_of(),
        )
        self.resolver.exception_handler(Exception)(_raise)
        self.resolver.not_found(_nothing_here)

    def add_operation(self, operation: Operation) -> None:
        """Adds an operation. Raises ValueError for a path whose methods have different cross-origin policies."""
        if (shared := self.find_cross_origin(operation.path)) and operation.cross_origin not in (None, shared.policy):
            raise ValueError(f"{operation.name}: other methods of this path have a different cross-origin policy")
        self.operations.append(operation)
        if not PARAMETER.search(operation.path):
            self._static.setdefault(operation.path, {})[operation.method] = operation
            return
        pattern = re.compile(PARAMETER.sub(rf"({_SEGMENT})", operation.path))
        for known, methods in self._dynamic:
            if known.pattern == pattern.pattern:
                methods[operation.method] = operation
                return
        self._dynamic.append((pattern, {operation.method: operation}))

    def find_operation(self, method: str, path: str) -> Operation:
        """Returns the operation of a path. Raises NotFound, or MethodNotAllowed with the supported methods."""
        methods = self._find_methods(path)
        if methods is None:
            raise NotFound("This path does not exist: the documentation at /docs lists all paths.", code="unknown_path")
        operation = methods.get(method)
        if operation is None:
            raise MethodNotAllowed(
                f"This path does not support {method[:20]}: use {' or '.join(sorted(methods))}.", allow=sorted(methods)
            )
        return operation

    def find_cross_origin(self, path: str) -> CrossOriginPath | None:
        """Returns the cross-origin policy and methods of a path, `None` if it has none."""
        found = [operation for operation in (self._find_methods(path) or {}).values() if operation.cross_origin]
        if not found:
            return None
        assert found[0].cross_origin is not None
        return CrossOriginPath(found[0].cross_origin, sorted(operation.method for operation in found))

    def _find_methods(self, path: str) -> dict[str, Operation] | None:
        path = path.rstrip("/") or "/"
        methods = self._static.get(path)
        if methods is None:
            methods = next((found for pattern, found in self._dynamic if pattern.fullmatch(path)), None)
        return methods

    def run_route(self, exchange: Exchange) -> Reply:
        """Validates the input and runs the route. Raises Invalid, NotFound, and every error of the route."""
        self._require_ids(exchange)
        event = _as_read(exchange)
        try:
            answer = self.resolver.resolve(event, exchange.context)
        except RequestValidationError as error:
            fields = field_errors.errors_by_field(error.errors(), exchange.body)
            raise Invalid("The request is not valid: see the fields.", fields=fields) from None
        except ResponseValidationError as error:
            raise RuntimeError(f"an answer does not match its model: {telemetry.validation_problems(error)}") from None
        headers = {name.lower(): values[0] for name, values in (answer.get("multiValueHeaders") or {}).items()}
        return Reply(exchange.status or answer["statusCode"], answer.get("body") or "", headers)

    def _require_ids(self, exchange: Exchange) -> None:
        """Raises NotFound for a path value that cannot be an id. This saves the lookup."""
        operation = exchange.operation
        assert operation is not None
        if not operation.ids:
            return
        path = exchange.request.path.rstrip("/")
        match = next(match for pattern, _ in self._dynamic if (match := pattern.fullmatch(path)))
        for prefix, value in zip(operation.ids, match.groups(), strict=True):
            if prefix != _ANY and not is_id(unquote(value), prefix):
                raise NotFound(f"{operation.unknown.removesuffix('.')}: check its id.")


def _as_read(exchange: Exchange) -> dict[str, Any]:
    """Returns the event for Powertools, as plain JSON: Powertools accepts only the exact media type."""
    event = {**exchange.request.event, "path": exchange.request.path}
    if several := event.get("multiValueHeaders"):
        # Some proxies repeat a header. Equal values are one value, as in `Request.header`.
        event["multiValueHeaders"] = {name: list(dict.fromkeys(values)) for name, values in several.items()}
    if exchange.operation and exchange.operation.takes_body:
        several = event.get("multiValueHeaders") or {}
        event["headers"] = {**_without_type(event.get("headers") or {}), "content-type": JSON}
        event["multiValueHeaders"] = {**_without_type(several), "content-type": [JSON]}
        if exchange.body is not None:
            # Powertools does not parse the body again: its deserializer returns the parsed body.
            event |= {"body": "{}", "isBase64Encoded": False}
    return event


def _without_type(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name.lower() != "content-type"}


def _raise(error: Exception) -> Any:
    raise error


def _nothing_here(_: Exception) -> Any:
    # `find_operation` has found the operation, so Powertools finds it too. If not, the error is still in the dialect.
    raise NotFound("This path does not exist: the documentation at /docs lists all paths.", code="unknown_path")
