"""The pipeline that every request passes: each step finds out one thing, notes it on the exchange, and proceeds.

A dialect names its steps in their order. A step knows the exchange alone, which carries its dialect and its router.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from switchboard.edge import bodies, cors, idempotency, rate_limit
from switchboard.edge.exchange import Exchange
from switchboard.edge.http import Reply
from switchboard.errors import DomainError, Forbidden, Invalid, RateLimited
from switchboard.kit import background, ids
from switchboard.persistence.idempotency import IdempotencyMismatch

Proceed = Callable[[], Reply]
Step = Callable[[Exchange, Proceed], Reply]

_SERVER_ERROR = 500
#: Refusals that say nothing about the request itself: its repetition with the same key deserves another look.
_KEPT_NOWHERE = (IdempotencyMismatch, RateLimited)
_CORRELATION_ID = re.compile("[!-~]{1,128}")


def route(exchange: Exchange, proceed: Proceed) -> Reply:
    """Find the operation, or answer a browser that asks whether it may call it. Raises NotFound or MethodNotAllowed."""
    if exchange.request.method == "OPTIONS" and (shared := exchange.router.cross_origin(exchange.request.path)):
        exchange.origin = shared.policy.ask(exchange.request)
        return Reply(HTTPStatus.NO_CONTENT, headers=cors.preflight_headers(shared.methods))
    exchange.operation = exchange.router.find(exchange.request.method, exchange.request.path)
    return proceed()


def authenticate(exchange: Exchange, proceed: Proceed) -> Reply:
    """Find out who is calling, and whether this operation is for them."""
    assert exchange.operation is not None
    if exchange.operation.signed:
        bodies.authenticate_signer(exchange.operation.body, exchange, exchange.dialect.max_body)
    elif exchange.operation.scheme:
        exchange.operation.scheme.authenticate(exchange)
    elif not exchange.operation.public:
        exchange.dialect.authenticate(exchange)
        if exchange.operation.keys is not None:
            assert exchange.snapshot is not None
            if exchange.snapshot.key.kind not in exchange.operation.keys:
                raise Forbidden("This takes the organization's master key.", code="master_key_required")
        if exchange.operation.permission is not None:
            assert exchange.signed_in is not None
            exchange.signed_in.require(exchange.operation.permission)
    if exchange.operation.cross_origin:
        exchange.origin = exchange.operation.cross_origin.admit(exchange)
    return proceed()


def limit(exchange: Exchange, proceed: Proceed) -> Reply:
    """Count the request, beside what it reads.

    Raises RateLimited before anything is written for it, and in place of whatever else the request comes to.
    """

    def count() -> None:
        exchange.limits = exchange.dialect.limit(exchange)
        rate_limit.require_allowed(exchange.limits)

    if exchange.admitted and rate_limit.decides_locally(exchange.admitted.bucket):
        count()
        return proceed()
    with background.guard_writes(count):
        return proceed()


def read_body(exchange: Exchange, proceed: Proceed) -> Reply:
    """Read the body and the correlation id. Raises TooLarge, UnsupportedMedia or Invalid."""
    assert exchange.operation is not None
    request = exchange.request
    correlation_id = request.header("x-correlation-id") if exchange.dialect.correlation else None
    if exchange.operation.takes_body:
        if not exchange.operation.signed:
            bodies.receive_body(exchange.operation.body, exchange, exchange.dialect.max_body)
        exchange.operation.body.read(exchange)
        if exchange.dialect.correlation and correlation_id is None and isinstance(exchange.body, dict):
            correlation_id = exchange.body.get("correlation_id", exchange.body.get("correlationId"))
    exchange.correlation_id = ids.new_id("corr") if correlation_id is None else _correlation_id(correlation_id)
    return proceed()


def correlation_of_header(exchange: Exchange) -> str:
    """The id for an answer that is given before the body was read."""
    try:
        value = exchange.request.header("x-correlation-id")
        return ids.new_id("corr") if value is None else _correlation_id(value)
    except Invalid:
        return ids.new_id("corr")


def _correlation_id(value: Any) -> str:
    if isinstance(value, str) and _CORRELATION_ID.fullmatch(value):
        return value
    raise Invalid(
        "The correlation id is malformed.",
        fields={"correlation_id": "takes 1 to 128 printable ASCII characters without spaces"},
    )


def be_idempotent(exchange: Exchange, proceed: Proceed) -> Reply:
    """Give the first answer again where the request carries a known Idempotency-Key."""
    assert exchange.operation is not None
    if not (exchange.dialect.idempotency_key and exchange.operation.idempotent):
        return proceed()
    exchange.effect = idempotency.effect_of(exchange)
    if exchange.effect is None:
        return proceed()
    return idempotency.once(exchange, exchange.effect, proceed)


def answer(exchange: Exchange, _: Proceed) -> Reply:
    """Validate the input and run the route.

    A refusal is an answer, which an Idempotency-Key keeps; what is our own fault is raised, and kept nowhere, as is
    what another moment or another key would change.
    """
    try:
        return exchange.router.resolve(exchange)
    except DomainError as error:
        if exchange.dialect.status(error) >= _SERVER_ERROR or isinstance(error, _KEPT_NOWHERE):
            raise
        return exchange.dialect.refuse(error, exchange)


#: The order for most dialects. Nothing that a stranger sends is read before the stranger is known.
PIPELINE: Sequence[Step] = (route, authenticate, limit, read_body, be_idempotent, answer)


def run(exchange: Exchange, steps: Sequence[Step]) -> Reply:
    """Take a request through the steps. Raises what a step raises."""
    return steps[0](exchange, partial(run, exchange, steps[1:]))
