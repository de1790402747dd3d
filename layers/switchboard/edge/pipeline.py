"""The pipeline of a request. Each step determines one thing, stores it on the exchange and calls the next step.

A dialect lists its steps in order. A step gets only the exchange, which holds the dialect and the router.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from switchboard.edge import bodies, cors, idempotency, rate_limit
from switchboard.edge.exchange import Exchange, Reply
from switchboard.errors import DomainError, Forbidden, Invalid, RateLimited
from switchboard.kit import background, ids
from switchboard.outbound.loops import LOOP_HEADER, WEBHOOK_HOP
from switchboard.persistence.idempotency import IdempotencyMismatch

Proceed = Callable[[], Reply]
Step = Callable[[Exchange, Proceed], Reply]

_SERVER_ERROR = 500
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
#: Errors that are not a result of the request itself. They are not stored: a retry with the same key runs again.
_KEPT_NOWHERE = (IdempotencyMismatch, RateLimited)
_CORRELATION_ID = re.compile("[!-~]{1,128}")


def route(exchange: Exchange, proceed: Proceed) -> Reply:
    """Finds the operation. A CORS preflight request gets its response here.

    Raises NotFound or MethodNotAllowed, and Forbidden for a delivery of one of our own webhooks.
    """
    if exchange.request.method == "OPTIONS" and (shared := exchange.router.find_cross_origin(exchange.request.path)):
        exchange.origin = shared.policy.preflight_origin(exchange.request)
        return Reply(HTTPStatus.NO_CONTENT, headers=cors.preflight_headers(shared.methods))
    exchange.operation = exchange.router.find_operation(exchange.request.method, exchange.request.path)
    _refuse_own_webhook(exchange)
    return proceed()


def _refuse_own_webhook(exchange: Exchange) -> None:
    """Raises Forbidden for a delivery of our own webhook that would change data.

    Each change is an event, and each event makes deliveries. So one webhook, or several, would start each other
    forever. The answer does not depend on the credential.
    """
    if exchange.request.method not in _SAFE_METHODS and WEBHOOK_HOP in exchange.request.header_values(LOOP_HEADER):
        raise Forbidden(
            "A webhook of this platform cannot change data here: let another system receive the webhook.", code="loop"
        )


def authenticate(exchange: Exchange, proceed: Proceed) -> Reply:
    """Authenticates the client and checks that it may use the operation.

    Raises Unauthenticated or Forbidden.
    """
    assert exchange.operation is not None
    if exchange.operation.signed:
        bodies.authenticate_signer(exchange.operation.body, exchange, exchange.dialect.max_body)
    elif exchange.operation.scheme:
        exchange.operation.scheme.authenticate(exchange)
    elif not exchange.operation.public:
        exchange.dialect.authenticate(exchange)
        if exchange.operation.keys is not None:
            assert exchange.key_identity is not None
            if exchange.key_identity.key.kind not in exchange.operation.keys:
                raise Forbidden(
                    "This operation requires the organization's master key: use that key.", code="master_key_required"
                )
        if exchange.operation.permission is not None:
            assert exchange.signed_in is not None
            exchange.signed_in.require_permission(exchange.operation.permission)
    if exchange.operation.cross_origin:
        exchange.origin = exchange.operation.cross_origin.require_allowed_origin(exchange)
    return proceed()


def limit(exchange: Exchange, proceed: Proceed) -> Reply:
    """Counts the request against its limits, in parallel with its reads.

    Raises RateLimited before the request writes anything. RateLimited replaces the response or error of the request.
    """

    def count() -> None:
        exchange.limits = exchange.dialect.count_request(exchange)
        rate_limit.require_allowed(exchange.limits)

    if exchange.client_identity and rate_limit.decides_locally(exchange.client_identity.bucket):
        count()
        return proceed()
    with background.guard_writes(count):
        return proceed()


def read_body(exchange: Exchange, proceed: Proceed) -> Reply:
    """Reads the body and the correlation id.

    The id of the header `x-correlation-id` comes before the id of the body. A request without an id gets a new one.
    Raises TooLarge, UnsupportedMedia or Invalid.
    """
    assert exchange.operation is not None
    request = exchange.request
    correlation_id = request.header("x-correlation-id") if exchange.dialect.correlation else None
    if exchange.operation.takes_body:
        if not exchange.operation.signed:
            bodies.receive_body(exchange.operation.body, exchange, exchange.dialect.max_body)
        exchange.operation.body.parse_body(exchange)
        if exchange.dialect.correlation and correlation_id is None and isinstance(exchange.body, dict):
            correlation_id = exchange.body.get("correlation_id", exchange.body.get("correlationId"))
    exchange.correlation_id = ids.new_id("corr") if correlation_id is None else _correlation_id(correlation_id)
    return proceed()


def correlation_of_header(exchange: Exchange) -> str:
    """Returns the header's correlation id, or a new id. For a response that is sent before the body is read."""
    try:
        value = exchange.request.header("x-correlation-id")
        return ids.new_id("corr") if value is None else _correlation_id(value)
    except Invalid:
        return ids.new_id("corr")


def _correlation_id(value: Any) -> str:
    if isinstance(value, str) and _CORRELATION_ID.fullmatch(value):
        return value
    raise Invalid(
        "Invalid correlation id: use 1 to 128 printable ASCII characters without spaces.",
        fields={"correlation_id": "must have 1 to 128 printable ASCII characters without spaces"},
    )


def be_idempotent(exchange: Exchange, proceed: Proceed) -> Reply:
    """Returns the stored response if the Idempotency-Key of the request is known."""
    assert exchange.operation is not None
    if not (exchange.dialect.idempotency_key and exchange.operation.idempotent):
        return proceed()
    exchange.effect = idempotency.effect_of(exchange)
    if exchange.effect is None:
        return proceed()
    return idempotency.once(exchange, exchange.effect, proceed)


def answer(exchange: Exchange, _: Proceed) -> Reply:
    """Validates the input and runs the route.

    Returns an error of the client as a response, which an Idempotency-Key stores. Raises errors that must not be
    stored: server errors, and the errors of `_KEPT_NOWHERE`.
    """
    try:
        return exchange.router.run_route(exchange)
    except DomainError as error:
        if exchange.dialect.status_of(error) >= _SERVER_ERROR or isinstance(error, _KEPT_NOWHERE):
            raise
        return exchange.dialect.error_reply(error, exchange)


#: The order for most dialects. The body is read after authentication.
PIPELINE: Sequence[Step] = (route, authenticate, limit, read_body, be_idempotent, answer)


def run(exchange: Exchange, steps: Sequence[Step]) -> Reply:
    """Runs the steps and returns the response. Raises every error that a step raises."""
    return steps[0](exchange, partial(run, exchange, steps[1:]))
