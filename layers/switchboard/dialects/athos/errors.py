"""Athos' error codes and bodies (docs/contracts/athos.md#errors)."""

from __future__ import annotations

from typing import Any

from switchboard.errors import DomainError, QuotaExceeded

#: docs/contracts/athos.md#errors, and docs/contracts/common.md#errors-without-a-code for the rest.
CODE_OF_STATUS = {
    401: "INVALID_API_KEY",
    403: "TENANT_INACTIVE",
    429: "SERVICE_UNAVAILABLE",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
CODE_OF_REASON = {
    "revoked": "API_KEY_REVOKED",
    "expired": "API_KEY_REVOKED",
    "ip_not_allowed": "IP_NOT_ALLOWED",
    "loop": "INVALID_REQUEST",
    "organization_inactive": "TENANT_INACTIVE",
    "token_invalid": "INVALID_TOKEN",
    "token_expired": "TOKEN_EXPIRED",
    "token_used": "TOKEN_ALREADY_USED",
    "drill_not_found": "DRILL_NOT_FOUND",
    "call_not_found": "CALL_NOT_FOUND",
    # Calls are the only objects with an id in this API's paths.
    "not_found": "CALL_NOT_FOUND",
}


def error_body(code: str, message: str, request_id: str) -> dict[str, Any]:
    """Returns an error body (docs/contracts/athos.md#errors)."""
    return {"error": {"code": code, "message": message, "requestId": request_id}}


def code_of(status: int, error: DomainError) -> str:
    """Returns the contract's code of an error."""
    if isinstance(error, QuotaExceeded):
        return "TENANT_QUOTA_EXCEEDED"
    return CODE_OF_REASON.get(error.code) or CODE_OF_STATUS.get(status, "INVALID_REQUEST")


def message_of(error: DomainError) -> str:
    """Returns the message with the invalid fields: the contract has no field for details."""
    fields = error.details.get("fields") or {}
    return " ".join([error.message, *(f"{name}: {problem}." for name, problem in fields.items())])
