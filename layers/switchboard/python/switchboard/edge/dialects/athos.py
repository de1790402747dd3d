"""Athos: `{error:{code,message,requestId}}`, bearer keys `ath_live_…`, X-Athos-Request-Id on every answer."""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import Any

from switchboard.accounts.models import KeyKind
from switchboard.edge import bearer
from switchboard.edge.call import Call
from switchboard.edge.dialects.base import Dialect
from switchboard.errors import DomainError

_BY_STATUS = {
    401: "INVALID_API_KEY",
    402: "TENANT_QUOTA_EXCEEDED",
    403: "TENANT_INACTIVE",
    429: "SERVICE_UNAVAILABLE",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
_BY_CODE = {"revoked": "API_KEY_REVOKED", "expired": "API_KEY_REVOKED"}


class Athos(Dialect):
    """Athos' dialect."""

    name = "athos"
    base_path = "/api/external/v1"
    idempotency_key = False

    def request_id(self) -> str:
        return f"req_{uuid.uuid4()}"

    def authenticate(self, call: Call) -> None:
        bearer.authenticate(call, frozenset({KeyKind.ATHOS}))

    def status(self, error: DomainError) -> int:
        status = super().status(error)
        return HTTPStatus.FORBIDDEN if status == HTTPStatus.PAYMENT_REQUIRED else status

    def error_body(self, status: int, error: DomainError, call: Call) -> tuple[Any, str]:
        code = _BY_CODE.get(error.code) or _BY_STATUS.get(status, "INVALID_REQUEST")
        return _body(code, error.message, call.request_id), "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        code = _BY_STATUS.get(status, default_code)
        return json.dumps(_body(code, HTTPStatus(status).phrase, "req_$context.requestId")), "application/json"

    def headers(self, call: Call) -> dict[str, str]:
        return super().headers(call) | {"X-Athos-Request-Id": call.request_id}


def _body(code: str, message: str, request_id: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "requestId": request_id}}
