"""The server for models (MCP, streamable HTTP): errors of JSON-RPC, and the credentials of all four APIs.

A request is authenticated here once, so that a stranger learns nothing from the server. The tools then call the APIs
with the same credential.

A browser sends the console's cookie by itself, also for a page whose host name leads to our address (DNS rebinding).
So a request with an `Origin` of another site is refused, as in the console.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from switchboard.access import keys as access
from switchboard.accounts.models import KeyKind
from switchboard.dialects.hum.dialect import COOKIE, Hum, require_same_origin
from switchboard.edge import pipeline, rate_limit, strangers
from switchboard.edge.dialect import Dialect, gateway_text, read_bearer_token
from switchboard.edge.exchange import Exchange, Reply
from switchboard.errors import DomainError, Forbidden, Invalid, Unauthenticated
from switchboard.outbound.loops import LOOP_HEADER

KEYS = frozenset(KeyKind)
#: Error codes of JSON-RPC 2.0: no JSON, a request that is not valid, an error on our side, and a code for applications.
_PARSE_ERROR, _INVALID_REQUEST, _INTERNAL_ERROR, _REFUSED = -32700, -32600, -32603, -32000
_CODE_OF_STATUS = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    500: "internal_error",
    503: "service_unavailable",
}


def refuse_loop(exchange: Exchange, proceed: pipeline.Proceed) -> Reply:
    """Raises Forbidden for a request that this platform sent for a model."""
    if exchange.request.header_values(LOOP_HEADER):
        raise Forbidden("This request comes from this platform itself: call the API instead.", code="loop")
    return proceed()


def count_first(exchange: Exchange, proceed: pipeline.Proceed) -> Reply:
    """Counts the request. Raises RateLimited before a tool runs: its requests cannot be taken back."""
    exchange.limits = exchange.dialect.count_request(exchange)
    rate_limit.require_allowed(exchange.limits)
    return proceed()


class Mcp(Dialect):
    """The dialect of the server for models."""

    name = "mcp"
    base_path = "/mcp"
    # The operations that the tools call have their own keys and correlation ids.
    idempotency_key = False
    correlation = False
    steps = (
        pipeline.route,
        require_same_origin,
        refuse_loop,
        pipeline.authenticate,
        count_first,
        pipeline.read_body,
        pipeline.answer,
    )

    def __init__(self) -> None:
        self._console = Hum()

    def authenticate(self, exchange: Exchange) -> None:
        """Accepts a key of any API, else the console's cookie."""
        text = read_bearer_token(exchange) or _read_key_header(exchange)
        if text:
            exchange.credential = text
            with strangers.guarding_look_up(exchange, text):
                exchange.key_identity = access.authenticate_key(text, KEYS, exchange.request.source_ip)
        elif cookie := exchange.request.cookie(COOKIE):
            with strangers.guarding_look_up(exchange, cookie):
                self._console.authenticate(exchange)
        else:
            raise Unauthenticated(
                "A credential is required: send an API key as Authorization: Bearer <key>, or the console's cookie.",
                code="missing",
            )

    def count_request(self, exchange: Exchange) -> rate_limit.Limits:
        """Counts the request against the limits of the organization, of the console's person, or of the address."""
        return self._console.count_request(exchange) if exchange.signed_in else super().count_request(exchange)

    def challenge(self) -> str:
        return 'Bearer realm="Switchboard"'

    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:  # noqa: ARG002
        return error_document(status, error.code, error.message, error.details), "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        code = _CODE_OF_STATUS.get(status, default_code.lower())
        return json.dumps(error_document(status, code, gateway_text(status), {})), "application/json"


def _read_key_header(exchange: Exchange) -> str:
    try:
        return exchange.request.header("x-api-key") or ""
    except Invalid:
        raise Unauthenticated("The request has several X-API-Key headers: send one.", code="malformed") from None


def error_document(status: int, code: str, message: str, details: dict[str, Any]) -> dict[str, Any]:
    """Returns an error response of JSON-RPC. It belongs to the HTTP request, so it has no id of a message."""
    if status == HTTPStatus.BAD_REQUEST:
        number = _PARSE_ERROR if code == "invalid_json" else _INVALID_REQUEST
    else:
        number = _INTERNAL_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _REFUSED
    error = {"code": number, "message": message, "data": {"status": status, "code": code, **details}}
    return {"jsonrpc": "2.0", "id": None, "error": error}
