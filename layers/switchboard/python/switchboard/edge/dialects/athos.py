"""Athos: `{error:{code,message,requestId}}`, bearer keys `ath_live_…`, X-Athos-Request-Id on every answer."""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import Any

from switchboard.accounts.models import KeyKind
from switchboard.edge import bearer
from switchboard.edge.call import Call
from switchboard.edge.dialect import Dialect
from switchboard.errors import DomainError, QuotaExceeded

REQUEST_ID = "X-Athos-Request-Id"

#: docs/contracts/athos.md#errors, and docs/contracts/common.md#errors-without-a-code for the rest.
_BY_STATUS = {
    401: "INVALID_API_KEY",
    403: "TENANT_INACTIVE",
    429: "SERVICE_UNAVAILABLE",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
_BY_CODE = {
    "revoked": "API_KEY_REVOKED",
    "expired": "API_KEY_REVOKED",
    "ip_not_allowed": "IP_NOT_ALLOWED",
    "organization_inactive": "TENANT_INACTIVE",
    "token_invalid": "INVALID_TOKEN",
    "token_expired": "TOKEN_EXPIRED",
    "token_used": "TOKEN_ALREADY_USED",
    "drill_not_found": "DRILL_NOT_FOUND",
    "call_not_found": "CALL_NOT_FOUND",
    # Calls are all that this API's paths name by an id.
    "not_found": "CALL_NOT_FOUND",
}


class Athos(Dialect):
    """Athos' dialect."""

    name = "athos"
    base_path = "/api/external/v1"
    idempotency_key = False
    #: A session is a workflow of its own, which nobody else names.
    correlation = False
    exposed = (REQUEST_ID, "Retry-After")

    def request_id(self) -> str:
        return f"req_{uuid.uuid4()}"

    def authenticate(self, call: Call) -> None:
        bearer.authenticate(call, frozenset({KeyKind.ATHOS}))

    def status(self, error: DomainError) -> int:
        status = super().status(error)
        return HTTPStatus.FORBIDDEN if status == HTTPStatus.PAYMENT_REQUIRED else status

    def error_body(self, status: int, error: DomainError, call: Call) -> tuple[Any, str]:
        return body(_code(status, error), _message(error), call.request_id), "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        code = _BY_STATUS.get(status, default_code)
        # Without the prefix of our own ids: a header of API Gateway's answers holds nothing but the id itself, and the
        # two have to be one.
        return json.dumps(body(code, HTTPStatus(status).phrase, "$context.requestId")), "application/json"

    def headers(self, call: Call) -> dict[str, str]:
        return super().headers(call) | {REQUEST_ID: call.request_id}


def body(code: str, message: str, request_id: str) -> dict[str, Any]:
    """An error, as the contract has it."""
    return {"error": {"code": code, "message": message, "requestId": request_id}}


def _code(status: int, error: DomainError) -> str:
    if isinstance(error, QuotaExceeded):
        return "TENANT_QUOTA_EXCEEDED"
    return _BY_CODE.get(error.code) or _BY_STATUS.get(status, "INVALID_REQUEST")


def _message(error: DomainError) -> str:
    """The error in words, which alone tell the fields that are wrong."""
    fields = error.details.get("fields") or {}
    return " ".join([error.message, *(f"{name}: {problem}." for name, problem in fields.items())])
