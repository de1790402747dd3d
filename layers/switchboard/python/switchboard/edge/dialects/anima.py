"""Anima: RFC 9457 problems with the legacy `error` sibling, bearer keys, correlation ids."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from switchboard.accounts.models import KeyKind
from switchboard.edge import bearer
from switchboard.edge.call import Call
from switchboard.edge.dialect import Dialect
from switchboard.edge.pipeline import correlation_of_header
from switchboard.errors import DomainError

ERRORS = "https://docs.useanima.sh/errors/"
KEYS = frozenset({KeyKind.AGENT, KeyKind.MASTER, KeyKind.SERVICE})
MASTER = frozenset({KeyKind.MASTER, KeyKind.SERVICE})

_BY_STATUS = {
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
_BY_CODE = {
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
#: Refusals whose own word helps a caller more than the status' code alone: shown as `details.reason`.
_WITHOUT_REASON = frozenset(
    {"invalid", "not_found", "conflict", "forbidden", "rate_limited", "too_large", "internal_error"}
)


def problem(status: int, code: str, detail: str, instance: str, details: dict[str, Any]) -> dict[str, Any]:
    """A problem document (docs/contracts/anima.md#errors)."""
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


class Anima(Dialect):
    """Anima's dialect."""

    name = "anima"
    base_path = "/v1"

    def authenticate(self, call: Call) -> None:
        bearer.authenticate(call, KEYS)

    def error_body(self, status: int, error: DomainError, call: Call) -> tuple[Any, str]:
        code = _BY_CODE.get(error.code) or _BY_STATUS.get(status, "INTERNAL_ERROR")
        details = {_camel(name): value for name, value in error.details.items()}
        if error.code not in _BY_CODE.keys() | _WITHOUT_REASON:
            details = {"reason": error.code, **details}
        return problem(status, code, error.message, call.request.path, details), "application/problem+json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        code = _BY_STATUS.get(status, default_code)
        body = problem(status, code, HTTPStatus(status).phrase, "$context.path", {})
        return json.dumps(body), "application/problem+json"

    def headers(self, call: Call) -> dict[str, str]:
        if call.correlation_id is None:
            # Refused before it was read: the header's id if it is a good one, else a new one.
            call.correlation_id = correlation_of_header(call)
        return super().headers(call) | {"x-correlation-id": call.correlation_id}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
