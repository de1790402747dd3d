"""OptiComm: errors `{success:false,error,message}`, keys in X-API-Key, one path, and an `action` in the body.

The checks run in the contract's order (docs/contracts/opticomm.md#order-of-checks). Only new requests count against the
key's limits. A request with a known `request_id` returns its call, even if its other fields are invalid.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

from switchboard.access import keys as access
from switchboard.accounts.models import KeyKind
from switchboard.calls import initiation
from switchboard.dialects.opticomm.errors import CODE_OF_STATUS, code_of, error_body, message_of, seconds_until_renewal
from switchboard.edge import pipeline, rate_limit
from switchboard.edge.dialect import Dialect, gateway_text
from switchboard.edge.exchange import Exchange, Reply
from switchboard.errors import DomainError, Forbidden, Invalid, QuotaExceeded, RateLimited, Unauthenticated, Unavailable
from switchboard.kit import background, ids

KEYS = frozenset({KeyKind.OPTICOMM_LIVE, KeyKind.OPTICOMM_TEST})
#: The actions. The permissions of a key have the same names.
INITIATE = "initiate_call"
ACTIONS = (INITIATE, "check_status")
#: The required fields of `initiate_call`.
_NEEDED = ("agent_id", "phone_number")
#: The longest `request_id`.
MAX_REQUEST_ID_CHARACTERS = 255
#: The default limit of a key, in requests per minute (docs/contracts/opticomm.md#limits).
REQUESTS_PER_MINUTE = 60


def count_at_the_end(exchange: Exchange, proceed: pipeline.Proceed) -> Reply:
    """Ensures that every response has the headers of the limits.

    An error before the limits keeps its response and counts as a request. A repetition does not count.
    """
    try:
        reply = proceed()
    except DomainError as error:
        reply = exchange.dialect.error_reply(error, exchange)
    if exchange.limits is None:
        exchange.limits = (
            _remaining(exchange) if reply.status == HTTPStatus.OK else exchange.dialect.count_request(exchange)
        )
    return reply


def answer_repetition(exchange: Exchange, proceed: pipeline.Proceed) -> Reply:
    """Returns the call of a request with a known `request_id`, even if other fields are invalid.

    Raises every error of a request with a new `request_id`.
    """
    try:
        reply = proceed()
        if reply.status != HTTPStatus.BAD_REQUEST or not _is_repeated(exchange):
            return reply
    except Invalid:
        if not _is_repeated(exchange):
            raise
    # The other fields are ignored. Required fields get placeholders, which no rule reads.
    exchange.body = {name: exchange.body[name] for name in ("action", "request_id")} | dict.fromkeys(_NEEDED, "known")
    exchange.correlation_id = exchange.correlation_id or ids.new_id("corr")
    return find_action(exchange, partial(pipeline.answer, exchange, proceed))


def _is_repeated(exchange: Exchange) -> bool:
    body = exchange.body
    if not isinstance(body, dict) or body.get("action") != INITIATE or exchange.key_identity is None:
        return False
    request_id = body.get("request_id")
    if not isinstance(request_id, str) or not 1 <= len(request_id) <= MAX_REQUEST_ID_CHARACTERS:
        return False
    return initiation.has_request_id(access.caller_of(exchange.key_identity, exchange.correlation_id or ""), request_id)


def find_action(exchange: Exchange, proceed: pipeline.Proceed) -> Reply:
    """Checks that the body has a known action and the key a permission for it. Raises Invalid or Forbidden."""
    action = exchange.body.get("action") if isinstance(exchange.body, dict) else None
    if action not in ACTIONS:
        raise Invalid(
            f"Invalid action: send a JSON object with the action {' or '.join(ACTIONS)}.", code="unknown_action"
        )
    assert exchange.key_identity is not None
    permissions = exchange.key_identity.key.scopes
    if permissions and action not in permissions:
        raise Forbidden(
            f"This key has no permission for {action}: use a key with this permission.", code="permission_denied"
        )
    return proceed()


class OptiComm(Dialect):
    """OptiComm's dialect."""

    name = "opticomm"
    base_path = "/functions/v1"
    landing_path = base_path
    idempotency_key = False
    # There is no step `limit`: only the route knows whether a request is new, and counts it (`count_beside`).
    steps = (
        pipeline.route,
        pipeline.authenticate,
        count_at_the_end,
        answer_repetition,
        pipeline.read_body,
        find_action,
        pipeline.answer,
    )

    def authenticate(self, exchange: Exchange) -> None:
        exchange.credential = self._credential(exchange)
        exchange.key_identity = access.authenticate_key(exchange.credential, KEYS, exchange.request.source_ip)

    @staticmethod
    def _credential(exchange: Exchange) -> str:
        try:
            text = exchange.request.header("x-api-key") or ""
        except Invalid:
            raise Unauthenticated("The request has several X-API-Key headers: send one.", code="malformed") from None
        if not text:
            raise Unauthenticated("The header X-API-Key is missing: send your key in it.", code="missing")
        return text

    def challenge(self) -> str:
        return 'ApiKey header="X-API-Key"'

    def count_request(self, exchange: Exchange) -> rate_limit.Limits:
        """Counts the request against the limit of its key, or of its IP address without a valid key."""
        if exchange.key_identity is None:
            return rate_limit.take_for_address(exchange.request.source_ip)
        return rate_limit.count_request(*_limits(exchange))

    def status_of(self, error: DomainError) -> int:
        """Returns the status of an error. The contract has no 503, so an unavailable service is 500."""
        return HTTPStatus.INTERNAL_SERVER_ERROR if isinstance(error, Unavailable) else super().status_of(error)

    def error_reply(self, error: DomainError, exchange: Exchange) -> Reply:
        if isinstance(error, QuotaExceeded):
            error = RateLimited(error.message, code=error.code, retry_after=seconds_until_renewal(error.code))
        return super().error_reply(error, exchange)

    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:
        code = code_of(error, exchange) or CODE_OF_STATUS.get(status, "INVALID_ACTION")
        body = error_body(code, message_of(error))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            body["retry_after"] = error.details.get("retry_after", 1)
        return body, "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        return json.dumps(
            error_body(CODE_OF_STATUS.get(status, default_code), gateway_text(status))
        ), "application/json"


@contextmanager
def count_beside(exchange: Exchange) -> Iterator[None]:
    """Counts the request in parallel with the reads of the block.

    Raises RateLimited before the block writes. RateLimited replaces every error of the block.
    """

    def count() -> None:
        exchange.limits = exchange.dialect.count_request(exchange)
        rate_limit.require_allowed(exchange.limits)

    assert exchange.key_identity is not None
    if rate_limit.decides_locally(_bucket(exchange.key_identity)):
        count()
        yield
        return
    with background.guard_writes(count):
        yield


def _remaining(exchange: Exchange) -> rate_limit.Limits:
    """Returns the limits of the key without counting the request."""
    return rate_limit.peek_limits(*_limits(exchange))


def _limits(exchange: Exchange) -> tuple[str, int, int]:
    """Returns the key's bucket with its limits per minute and per second. The plan's limits are the maximum."""
    assert exchange.key_identity is not None
    key, terms = exchange.key_identity.key, exchange.key_identity.organization.terms
    minute = min(key.restrictions.requests_per_minute or REQUESTS_PER_MINUTE, terms.requests_per_minute)
    return _bucket(exchange.key_identity), minute, min(minute, terms.requests_per_second)


def _bucket(identity: access.KeyIdentity) -> str:
    return f"key#{identity.key.id}"
