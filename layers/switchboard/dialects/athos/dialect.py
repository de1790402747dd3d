"""Athos: errors `{error:{code,message,requestId}}`, bearer keys `ath_live_…`, X-Athos-Request-Id in every response."""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import Any

from switchboard.accounts.models import KeyKind
from switchboard.dialects.athos.errors import CODE_OF_STATUS, code_of, error_body, message_of
from switchboard.edge.dialect import BearerDialect, gateway_text
from switchboard.edge.exchange import Exchange
from switchboard.errors import DomainError

REQUEST_ID = "X-Athos-Request-Id"


class Athos(BearerDialect):
    """Athos' dialect."""

    name = "athos"
    base_path = "/api/external/v1"
    landing_path = base_path
    key_kinds = frozenset({KeyKind.ATHOS})
    idempotency_key = False
    #: Each session is its own workflow. A client cannot name it.
    correlation = False
    exposed = (REQUEST_ID, "Retry-After")

    def request_id(self) -> str:
        return f"req_{uuid.uuid4()}"

    def status_of(self, error: DomainError) -> int:
        status = super().status_of(error)
        return HTTPStatus.FORBIDDEN if status == HTTPStatus.PAYMENT_REQUIRED else status

    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:
        return error_body(code_of(status, error), message_of(error), exchange.request_id), "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        code = CODE_OF_STATUS.get(status, default_code)
        # Body and header must have the same id. A header of API Gateway can hold only the plain id, so the body has no
        # prefix either.
        return json.dumps(error_body(code, gateway_text(status), "$context.requestId")), "application/json"

    def response_headers(self, exchange: Exchange) -> dict[str, str]:
        return super().response_headers(exchange) | {REQUEST_ID: exchange.request_id}
