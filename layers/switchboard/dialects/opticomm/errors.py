"""OptiComm's error codes and bodies (docs/contracts/opticomm.md#errors)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from switchboard.edge.exchange import Exchange
from switchboard.errors import DomainError, Invalid
from switchboard.kit import clock

CODE_OF_STATUS = {
    401: "INVALID_API_KEY",
    403: "PERMISSION_DENIED",
    429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "INTERNAL_ERROR",
}
CODE_OF_REASON = {
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
    "credit_limit": "DAILY_LIMIT_EXCEEDED",
    "subscription_unpaid": "DAILY_LIMIT_EXCEEDED",
    "phone_disabled": "CALL_FAILED",
    "provider_down": "CALL_FAILED",
    "no_carrier": "CALL_FAILED",
    "no_caller_id": "CALL_FAILED",
}


def code_of(error: DomainError, exchange: Exchange) -> str | None:
    """Returns the contract's code of an error, `None` for an error without a code."""
    if error.code == Invalid.code:
        # A field is invalid. The only required field of `check_status` is the id of the call.
        asked = exchange.body.get("action") if isinstance(exchange.body, dict) else None
        return "MISSING_CALL_ID" if asked == "check_status" else "MISSING_FIELDS"
    return CODE_OF_REASON.get(error.code)


def message_of(error: DomainError) -> str:
    """Returns the message with the details of the error: the contract has no field for details."""
    fields, details = error.details.get("fields") or {}, error.details
    told = [error.message]
    # Pydantic puts the tag of a union before the name of a field.
    told += [f"{name}: {fields[name]}." for name in fields]
    if "gate" in details:
        again = f", allowed again {details['nextAllowedAt']}" if "nextAllowedAt" in details else ""
        told.append(f"(rule {details['gate']}: {details['reason']}{again})")
    return " ".join(told)


def seconds_until_renewal(code: str) -> int:
    """Returns the seconds until a daily limit or a monthly quota or cap starts again (UTC)."""
    today = clock.now().date()
    day = (
        today + timedelta(days=1) if code == "daily_cap" else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    )
    return max(1, round((datetime.combine(day, time(), UTC) - clock.now()).total_seconds()))


def error_body(code: str, message: str) -> dict[str, Any]:
    """Returns an error body (docs/contracts/opticomm.md#errors)."""
    return {"success": False, "error": code, "message": message}
