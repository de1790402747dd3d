"""Anima's problem documents and their codes (docs/contracts/anima.md#errors)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

ERRORS = "https://docs.useanima.sh/errors/"
CODE_OF_STATUS = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    402: "PAYMENT_REQUIRED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMIT",
    503: "SERVICE_UNAVAILABLE",
}
CODE_OF_REASON = {
    "invalid_idempotency_key": "INVALID_IDEMPOTENCY_KEY",
    "idempotency_mismatch": "IDEMPOTENCY_BODY_MISMATCH",
    "master_key_required": "MASTER_KEY_REQUIRED",
    "recipient_suppressed": "RECIPIENT_SUPPRESSED",
    "rate_limited_per_second": "RATE_LIMIT_PER_SECOND",
    "consent_missing": "TCPA_GATE_BLOCKED",
    "consent_invalid": "TCPA_GATE_BLOCKED",
    "consent_insufficient": "TCPA_GATE_BLOCKED",
    "consent_expired": "TCPA_GATE_BLOCKED",
    "dnc": "TCPA_GATE_BLOCKED",
    "national_dnc": "TCPA_GATE_BLOCKED",
    "national_dnc_unknown": "TCPA_GATE_BLOCKED",
    "opted_out": "TCPA_GATE_BLOCKED",
    "attempt_cap": "TCPA_GATE_BLOCKED",
    "number_reassigned": "RND_GATE_BLOCKED",
    "reassigned_unknown": "RND_GATE_BLOCKED",
    "quiet_hours": "QUIET_HOURS_BLOCKED",
    "zone_unknown": "QUIET_HOURS_BLOCKED",
}
#: Error codes that add nothing to the status. All other codes without an own problem code are in `details.reason`.
REDUNDANT_CODES = frozenset(
    {"invalid", "not_found", "conflict", "forbidden", "rate_limited", "too_large", "internal_error"}
)


def problem(status: int, code: str, detail: str, instance: str, details: dict[str, Any]) -> dict[str, Any]:
    """Returns a problem document (docs/contracts/anima.md#errors)."""
    return {
        "type": ERRORS + code.lower().replace("_", "-"),
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        "details": details,
        "error": {"code": code, "message": detail, "details": details},
    }
