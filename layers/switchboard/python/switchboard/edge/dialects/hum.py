"""HUM: `{error,code,message,details}`, a session cookie."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from switchboard.edge.call import Call
from switchboard.edge.dialects.base import Dialect
from switchboard.errors import DomainError, Unauthenticated

COOKIE = "bh_hum_session"

_BY_STATUS = {
    400: "invalid_request",
    401: "unauthorized",
    402: "plan_limit",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "service_unavailable",
}
_BY_CODE = {code: code for code in ("invalid_json", "invalid_idempotency_key", "idempotency_mismatch")}


class Hum(Dialect):
    """HUM's dialect. It is also the default: whatever is at no other API's path is answered in it."""

    name = "hum"
    base_path = ""

    def authenticate(self, call: Call) -> None:  # noqa: ARG002 no session exists before sign-in does
        raise Unauthenticated("Sign in first.", code="missing")

    def challenge(self) -> str:
        return f'Cookie name="{COOKIE}"'

    def error_body(self, status: int, error: DomainError, call: Call) -> tuple[Any, str]:  # noqa: ARG002
        code = _BY_CODE.get(error.code) or _BY_STATUS.get(status, "internal_error")
        fields: dict[str, Any] = error.details.get("fields", {})
        details = [{"field": name, "message": message} for name, message in fields.items()]
        details += [{name: value} for name, value in error.details.items() if name != "fields"]
        return _body(code, error.message, details), "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        code = _BY_STATUS.get(status, default_code.lower())
        return json.dumps(_body(code, HTTPStatus(status).phrase, [])), "application/json"


def _body(code: str, message: str, details: list[dict[str, Any]]) -> dict[str, Any]:
    return {"error": code, "code": code, "message": message, "details": details}
