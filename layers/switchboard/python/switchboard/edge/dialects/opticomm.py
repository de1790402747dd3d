"""OptiComm: `{success:false,error,message}`, keys in X-API-Key, one path whose body's `action` tells what is asked.

Checks come in the contract's order (docs/contracts/opticomm.md#order-of-checks). Only new requests count against the
key's limits. A known `request_id` is answered whatever the other fields say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from switchboard.access import service as access
from switchboard.accounts.models import KeyKind
from switchboard.aws import aside, clock, ids
from switchboard.calls import initiation
from switchboard.edge import pipeline, rate_limit
from switchboard.edge.call import Call
from switchboard.edge.dialect import Dialect
from switchboard.edge.http import Reply
from switchboard.errors import DomainError, Forbidden, Invalid, QuotaExceeded, RateLimited, Unauthenticated, Unavailable

_BY_STATUS = {
    401: "INVALID_API_KEY",
    403: "PERMISSION_DENIED",
    429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "INTERNAL_ERROR",
}
_BY_CODE = {
    "missing": "MISSING_API_KEY",
    "malformed": "INVALID_API_KEY_FORMAT",
    "unknown": "INVALID_API_KEY",
    "revoked": "INVALID_API_KEY",
    "expired": "API_KEY_EXPIRED",
    "ip_not_allowed": "IP_NOT_ALLOWED",
    "agent_not_allowed": "AGENT_NOT_ALLOWED",
    "dnc": "PHONE_ON_DNC",
    "national_dnc": "PHONE_ON_DNC",
    "opted_out": "PHONE_ON_DNC",
    "missing_fields": "MISSING_FIELDS",
    "invalid_url": "MISSING_FIELDS",
    "missing_call_id": "MISSING_CALL_ID",
    "invalid_number": "INVALID_PHONE_FORMAT",
    "agent_not_found": "AGENT_NOT_FOUND",
    "call_not_found": "CALL_NOT_FOUND",
    "daily_cap": "DAILY_LIMIT_EXCEEDED",
    "plan_quota": "DAILY_LIMIT_EXCEEDED",
    "hard_cap": "DAILY_LIMIT_EXCEEDED",
    "phone_disabled": "CALL_FAILED",
    "provider_down": "CALL_FAILED",
    "no_carrier": "CALL_FAILED",
    "no_caller_id": "CALL_FAILED",
}
KEYS = frozenset({KeyKind.OPTICOMM_LIVE, KeyKind.OPTICOMM_TEST})
#: What may be asked for. A key's permissions have the same names.
INITIATE = "initiate_call"
ACTIONS = (INITIATE, "check_status")
#: The fields that a call cannot be asked for without.
_NEEDED = ("agent_id", "phone_number")
#: The longest `request_id`.
LONGEST_ID = 255
#: Requests a minute of a key, where nothing else was agreed on (docs/contracts/opticomm.md#limits).
REQUESTS_PER_MINUTE = 60


def limits_last(call: Call, proceed: pipeline.Proceed) -> Reply:
    """See to it that every answer tells of the limits.

    What a known key was refused before its limits keeps that refusal, and counts; a repetition counts nothing.
    """
    try:
        reply = proceed()
    except DomainError as error:
        reply = call.dialect.refuse(error, call)
    if call.limits is None:
        call.limits = _remaining(call) if reply.status == HTTPStatus.OK else call.dialect.limit(call)
    return reply


def answer_repetition(call: Call, proceed: pipeline.Proceed) -> Reply:
    """Answer a request whose `request_id` is known, whatever else is wrong with it. Raises what the request raises."""
    try:
        reply = proceed()
        if reply.status != HTTPStatus.BAD_REQUEST or not _is_repeated(call):
            return reply
    except Invalid:
        if not _is_repeated(call):
            raise
    # The other fields count no more: those that have to be there get values that no rule looks at.
    call.body = {name: call.body[name] for name in ("action", "request_id")} | dict.fromkeys(_NEEDED, "known")
    call.correlation_id = call.correlation_id or ids.new("corr")
    return find_action(call, partial(pipeline.answer, call, proceed))


def _is_repeated(call: Call) -> bool:
    body = call.body
    if not isinstance(body, dict) or body.get("action") != INITIATE or call.snapshot is None:
        return False
    request_id = body.get("request_id")
    if not isinstance(request_id, str) or not 1 <= len(request_id) <= LONGEST_ID:
        return False
    return initiation.is_known(access.caller(call.snapshot, call.correlation_id or ""), request_id)


def find_action(call: Call, proceed: pipeline.Proceed) -> Reply:
    """Find out what is asked for, and whether the key may ask it. Raises Invalid or Forbidden."""
    action = call.body.get("action") if isinstance(call.body, dict) else None
    if action not in ACTIONS:
        raise Invalid(f"The body is a JSON object whose action is one of {', '.join(ACTIONS)}.", code="unknown_action")
    assert call.snapshot is not None
    permissions = call.snapshot.key.scopes
    if permissions and action not in permissions:
        raise Forbidden(f"This key has no permission for {action}.", code="permission_denied")
    return proceed()


class OptiComm(Dialect):
    """OptiComm's dialect."""

    name = "opticomm"
    base_path = "/functions/v1"
    idempotency_key = False
    # The route lets through the limits what is new (`admitted`), since only it can tell.
    steps = (
        pipeline.route,
        pipeline.authenticate,
        limits_last,
        answer_repetition,
        pipeline.read_body,
        find_action,
        pipeline.answer,
    )

    def authenticate(self, call: Call) -> None:
        call.credential = self._credential(call)
        call.snapshot = access.authenticate(call.credential, KEYS, call.request.source_ip)

    @staticmethod
    def _credential(call: Call) -> str:
        try:
            text = call.request.header("x-api-key") or ""
        except Invalid:
            raise Unauthenticated("There are several X-API-Key headers.", code="malformed") from None
        if not text:
            raise Unauthenticated("The header X-API-Key is missing.", code="missing")
        return text

    def challenge(self) -> str:
        return 'ApiKey header="X-API-Key"'

    def limit(self, call: Call) -> rate_limit.Limits:
        """Count the request against the key's limit."""
        if call.snapshot is None:
            return rate_limit.take_for_address(call.request.source_ip)
        return rate_limit.take(*_limits(call))

    def status(self, error: DomainError) -> int:
        """The contract knows no 503."""
        return HTTPStatus.INTERNAL_SERVER_ERROR if isinstance(error, Unavailable) else super().status(error)

    def refuse(self, error: DomainError, call: Call) -> Reply:
        if isinstance(error, QuotaExceeded):
            error = RateLimited(error.message, code=error.code, retry_after=_until_renewed(error.code))
        return super().refuse(error, call)

    def error_body(self, status: int, error: DomainError, call: Call) -> tuple[Any, str]:
        code = _code(error, call) or _BY_STATUS.get(status, "INVALID_ACTION")
        body = _body(code, _message(error))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            body["retry_after"] = error.details.get("retry_after", 1)
        return body, "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        return json.dumps(_body(_BY_STATUS.get(status, default_code), HTTPStatus(status).phrase)), "application/json"


@contextmanager
def admitted(call: Call) -> Iterator[None]:
    """Count the request beside what the block reads. Raises RateLimited in place of whatever the block raises."""

    def count() -> None:
        call.limits = call.dialect.limit(call)
        rate_limit.require_allowed(call.limits)

    assert call.snapshot is not None
    if rate_limit.in_hand(_bucket(call.snapshot)):
        count()
        yield
        return
    with aside.guarded(count):
        yield


def _remaining(call: Call) -> rate_limit.Limits:
    """What is left of the key's limit, without counting the request."""
    return rate_limit.look(*_limits(call))


def _limits(call: Call) -> tuple[str, int, int]:
    """The key's bucket and what it may take. No key may take more than its organisation's plan."""
    assert call.snapshot is not None
    key, terms = call.snapshot.key, call.snapshot.organisation.terms
    minute = min(key.restrictions.requests_per_minute or REQUESTS_PER_MINUTE, terms.requests_per_minute)
    return _bucket(call.snapshot), minute, min(minute, terms.requests_per_second)


def _bucket(snapshot: access.Snapshot) -> str:
    return f"key#{snapshot.key.id}"


def _code(error: DomainError, call: Call) -> str | None:
    if error.code == Invalid.code:
        # Something is wrong with a field: all that a status needs is which call it is of.
        asked = call.body.get("action") if isinstance(call.body, dict) else None
        return "MISSING_CALL_ID" if asked == "check_status" else "MISSING_FIELDS"
    return _BY_CODE.get(error.code)


def _message(error: DomainError) -> str:
    """The error in a sentence or two: the contract has no place for details."""
    fields, details = error.details.get("fields") or {}, error.details
    told = [error.message]
    # A union's tag is no part of a field's name.
    told += [f"{name.removeprefix('initiate_call.').removeprefix('check_status.')}: {fields[name]}." for name in fields]
    if "gate" in details:
        again = f", allowed again {details['nextAllowedAt']}" if "nextAllowedAt" in details else ""
        told.append(f"(rule {details['gate']}: {details['reason']}{again})")
    return " ".join(told)


def _until_renewed(code: str) -> int:
    """Seconds until a daily limit, or a month's quota or cap, begins anew (UTC)."""
    today = clock.now().date()
    day = (
        today + timedelta(days=1) if code == "daily_cap" else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    )
    return max(1, round((datetime.combine(day, time(), UTC) - clock.now()).total_seconds()))


def _body(code: str, message: str) -> dict[str, Any]:
    return {"success": False, "error": code, "message": message}
