"""The steps of the pipeline. Each finds out one thing, writes it on the call, and lets the next go on."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from switchboard.aws import aside, ids, settings
from switchboard.aws.effect import IdempotencyMismatch
from switchboard.edge import bodies, cors, idempotency, rate_limit
from switchboard.edge.call import Call
from switchboard.edge.http import Reply
from switchboard.errors import DomainError, Forbidden, Invalid, RateLimited

if TYPE_CHECKING:
    from switchboard.edge.api import Api

Proceed = Callable[[], Reply]
Step = Callable[["Api", Call, Proceed], Reply]

_SERVER_ERROR = 500
#: Refusals that say nothing about the request itself: its repetition with the same key deserves another look.
_KEPT_NOWHERE = (IdempotencyMismatch, RateLimited)
_CORRELATION_ID = re.compile("[!-~]{1,128}")


def route(api: Api, call: Call, proceed: Proceed) -> Reply:
    """Find the operation, or answer a browser that asks whether it may call it. Raises NotFound or MethodNotAllowed."""
    if call.request.method == "OPTIONS" and (shared := api.cross_origin(call.request.path)):
        call.origin = shared.policy.ask(call.request)
        return Reply(HTTPStatus.NO_CONTENT, headers=cors.preflight(shared.methods))
    call.operation = api.find(call.request.method, call.request.path)
    return proceed()


def authenticate(api: Api, call: Call, proceed: Proceed) -> Reply:
    """Find out who is calling, and whether this operation is for them."""
    assert call.operation is not None
    if call.operation.signed:
        bodies.authenticate(call.operation.body, call, api.dialect.max_body)
    elif call.operation.scheme:
        call.operation.scheme.authenticate(call)
    elif not call.operation.public:
        api.dialect.authenticate(call)
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


def limit(api: Api, call: Call, proceed: Proceed) -> Reply:
    """Count the request, beside what it reads.

    Raises RateLimited before anything is written for it, and in place of whatever else the request comes to.
    """

    def count() -> None:
        call.limits = api.dialect.limit(call)
        check(call.limits)

    if call.admitted and rate_limit.in_hand(call.admitted.bucket):
        count()
        return proceed()
    with aside.guarded(count):
        return proceed()


def check(limits: rate_limit.Limits) -> None:
    """Raise RateLimited if a window refused the request."""
    if not limits.allowed:
        window = limits.exhausted
        raise RateLimited(
            "Rate limit exceeded.",
            code="rate_limited" if window is limits.minute else "rate_limited_per_second",
            limit=window.limit,
            remaining=0,
            retry_after=limits.retry_after,
        )


def limit_stranger(call: Call) -> rate_limit.Limits:
    """Count a request whose sender is unknown, by its address or IPv6 network."""
    return rate_limit.take(
        f"ip#{rate_limit.holder_of(call.request.source_ip)}",
        settings.number("STRANGER_PER_MINUTE", 600),
        settings.number("STRANGER_PER_SECOND", 50),
    )


def limit_signer(signer: str) -> rate_limit.Limits:
    """Count a callback by the provider's account that signed it: all of a provider comes from a few addresses."""
    return rate_limit.take(
        f"signer#{signer}",
        settings.number("CALLBACKS_PER_MINUTE", 60_000),
        settings.number("CALLBACKS_PER_SECOND", 2_000),
    )


def read_body(api: Api, call: Call, proceed: Proceed) -> Reply:
    """Read the body and the correlation id. Raises TooLarge, UnsupportedMedia or Invalid."""
    assert call.operation is not None
    request = call.request
    correlation_id = request.header("x-correlation-id") if api.dialect.correlation else None
    if call.operation.takes_body:
        if not call.operation.signed:
            bodies.receive(call.operation.body, call, api.dialect.max_body)
        call.operation.body.read(call)
        if api.dialect.correlation and correlation_id is None and isinstance(call.body, dict):
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


def be_idempotent(api: Api, call: Call, proceed: Proceed) -> Reply:
    """Give the first answer again where the request carries a known Idempotency-Key."""
    assert call.operation is not None
    if not (api.dialect.idempotency_key and call.operation.idempotent):
        return proceed()
    call.effect = idempotency.effect_of(call)
    if call.effect is None:
        return proceed()
    return idempotency.once(call, call.effect, proceed)


def answer(api: Api, call: Call, _: Proceed) -> Reply:
    """Validate the input and run the route.

    A refusal is an answer, which an Idempotency-Key keeps; what is our own fault is raised, and kept nowhere, as is
    what another moment or another key would change.
    """
    try:
        return api.resolve(call)
    except DomainError as error:
        if api.dialect.status(error) >= _SERVER_ERROR or isinstance(error, _KEPT_NOWHERE):
            raise
        return api.dialect.refuse(error, call)
