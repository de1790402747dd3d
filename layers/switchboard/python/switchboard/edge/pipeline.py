"""The pipeline that every request passes: each step finds out one thing, notes it on the exchange, and proceeds.

A dialect names its steps in their order. A step knows the exchange alone, which carries its dialect and its router.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from switchboard.aws import aside, ids
from switchboard.aws.effect import IdempotencyMismatch
from switchboard.edge import bodies, cors, idempotency, rate_limit
from switchboard.edge.call import Call
from switchboard.edge.http import Reply
from switchboard.errors import DomainError, Forbidden, Invalid, RateLimited

Proceed = Callable[[], Reply]
Step = Callable[[Call, Proceed], Reply]

_SERVER_ERROR = 500
#: Refusals that say nothing about the request itself: its repetition with the same key deserves another look.
_KEPT_NOWHERE = (IdempotencyMismatch, RateLimited)
_CORRELATION_ID = re.compile("[!-~]{1,128}")


def route(call: Call, proceed: Proceed) -> Reply:
    """Find the operation, or answer a browser that asks whether it may call it. Raises NotFound or MethodNotAllowed."""
    if call.request.method == "OPTIONS" and (shared := call.router.cross_origin(call.request.path)):
        call.origin = shared.policy.ask(call.request)
        return Reply(HTTPStatus.NO_CONTENT, headers=cors.preflight(shared.methods))
    call.operation = call.router.find(call.request.method, call.request.path)
    return proceed()


def authenticate(call: Call, proceed: Proceed) -> Reply:
    """Find out who is calling, and whether this operation is for them."""
    assert call.operation is not None
    if call.operation.signed:
        bodies.authenticate(call.operation.body, call, call.dialect.max_body)
    elif call.operation.scheme:
        call.operation.scheme.authenticate(call)
    elif not call.operation.public:
        call.dialect.authenticate(call)
        if call.operation.keys is not None:
            assert call.snapshot is not None
            if call.snapshot.key.kind not in call.operation.keys:
                raise Forbidden("This takes the organisation's master key.", code="master_key_required")
        if call.operation.permission is not None:
            assert call.signed_in is not None
            call.signed_in.require(call.operation.permission)
    if call.operation.cross_origin:
        call.origin = call.operation.cross_origin.admit(call)
    return proceed()


def limit(call: Call, proceed: Proceed) -> Reply:
    """Count the request, beside what it reads.

    Raises RateLimited before anything is written for it, and in place of whatever else the request comes to.
    """

    def count() -> None:
        call.limits = call.dialect.limit(call)
        rate_limit.require_allowed(call.limits)

    if call.admitted and rate_limit.in_hand(call.admitted.bucket):
        count()
        return proceed()
    with aside.guarded(count):
        return proceed()


def read_body(call: Call, proceed: Proceed) -> Reply:
    """Read the body and the correlation id. Raises TooLarge, UnsupportedMedia or Invalid."""
    assert call.operation is not None
    request = call.request
    correlation_id = request.header("x-correlation-id") if call.dialect.correlation else None
    if call.operation.takes_body:
        if not call.operation.signed:
            bodies.receive(call.operation.body, call, call.dialect.max_body)
        call.operation.body.read(call)
        if call.dialect.correlation and correlation_id is None and isinstance(call.body, dict):
            correlation_id = call.body.get("correlation_id", call.body.get("correlationId"))
    call.correlation_id = ids.new("corr") if correlation_id is None else _correlation_id(correlation_id)
    return proceed()


def correlation_of_header(call: Call) -> str:
    """The id for an answer that is given before the body was read."""
    try:
        value = call.request.header("x-correlation-id")
        return ids.new("corr") if value is None else _correlation_id(value)
    except Invalid:
        return ids.new("corr")


def _correlation_id(value: Any) -> str:
    if isinstance(value, str) and _CORRELATION_ID.fullmatch(value):
        return value
    raise Invalid(
        "The correlation id is malformed.",
        fields={"correlation_id": "takes 1 to 128 printable ASCII characters without spaces"},
    )


def be_idempotent(call: Call, proceed: Proceed) -> Reply:
    """Give the first answer again where the request carries a known Idempotency-Key."""
    assert call.operation is not None
    if not (call.dialect.idempotency_key and call.operation.idempotent):
        return proceed()
    call.effect = idempotency.effect_of(call)
    if call.effect is None:
        return proceed()
    return idempotency.once(call, call.effect, proceed)


def answer(call: Call, _: Proceed) -> Reply:
    """Validate the input and run the route.

    A refusal is an answer, which an Idempotency-Key keeps; what is our own fault is raised, and kept nowhere, as is
    what another moment or another key would change.
    """
    try:
        return call.router.resolve(call)
    except DomainError as error:
        if call.dialect.status(error) >= _SERVER_ERROR or isinstance(error, _KEPT_NOWHERE):
            raise
        return call.dialect.refuse(error, call)


#: The order for most dialects. Nothing that a stranger sends is read before the stranger is known.
PIPELINE: Sequence[Step] = (route, authenticate, limit, read_body, be_idempotent, answer)


def run(call: Call, steps: Sequence[Step]) -> Reply:
    """Take a request through the steps. Raises what a step raises."""
    return steps[0](call, partial(run, call, steps[1:]))
