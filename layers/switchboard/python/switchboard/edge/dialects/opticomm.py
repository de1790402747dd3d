"""OptiComm: `{success:false,error,message}`, keys in X-API-Key."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from switchboard.access import service as access
from switchboard.accounts.models import KeyKind
from switchboard.edge import steps
from switchboard.edge.call import Call
from switchboard.edge.dialects.base import Dialect
from switchboard.errors import DomainError, Unauthenticated

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
}
KEYS = frozenset({KeyKind.OPTICOMM_LIVE, KeyKind.OPTICOMM_TEST})


class OptiComm(Dialect):
    """OptiComm's dialect."""

    name = "opticomm"
    base_path = "/functions/v1"
    idempotency_key = False
    # A known request_id is answered before the limits are counted, so that a retry is never refused for its number;
    # the route does both.
    steps = (steps.route, steps.authenticate, steps.limit, steps.read_body, steps.answer)

    def authenticate(self, call: Call) -> None:
        call.credential = call.request.header("x-api-key") or ""
        if not call.credential:
            raise Unauthenticated("The header X-API-Key is missing.", code="missing")
        call.snapshot = access.authenticate(call.credential, KEYS, call.request.source_ip)

    def challenge(self) -> str:
        return 'ApiKey header="X-API-Key"'

    def error_body(self, status: int, error: DomainError, call: Call) -> tuple[Any, str]:  # noqa: ARG002
        code = _BY_CODE.get(error.code) or _BY_STATUS.get(status, "INVALID_ACTION")
        body = _body(code, error.message)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            body["retry_after"] = error.details.get("retry_after", 1)
        return body, "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        return json.dumps(_body(_BY_STATUS.get(status, default_code), HTTPStatus(status).phrase)), "application/json"


def _body(code: str, message: str) -> dict[str, Any]:
    return {"success": False, "error": code, "message": message}
