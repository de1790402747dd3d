"""Anima: RFC 9457 problems with the older member `error`, bearer keys, correlation ids."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

from switchboard.accounts.models import KeyKind
from switchboard.dialects.anima.errors import CODE_OF_REASON, CODE_OF_STATUS, REDUNDANT_CODES, problem
from switchboard.edge.dialect import BearerDialect, gateway_text
from switchboard.edge.exchange import Exchange
from switchboard.errors import DomainError

KEYS = frozenset({KeyKind.AGENT, KeyKind.MASTER, KeyKind.SERVICE})
MASTER = frozenset({KeyKind.MASTER, KeyKind.SERVICE})


class Anima(BearerDialect):
    """Anima's dialect."""

    name = "anima"
    base_path = "/v1"
    landing_path = base_path
    key_kinds = KEYS
    shows_correlation = True
    key_refusals = MappingProxyType({MASTER: "This operation requires the master key."})

    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:
        code = CODE_OF_REASON.get(error.code) or CODE_OF_STATUS.get(status, "INTERNAL_ERROR")
        details = {_camel(name): value for name, value in error.details.items()}
        if error.code not in CODE_OF_REASON.keys() | REDUNDANT_CODES:
            details = {"reason": error.code, **details}
        return problem(status, code, error.message, exchange.request.path, details), "application/problem+json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        code = CODE_OF_STATUS.get(status, default_code)
        body = problem(status, code, gateway_text(status), "$context.path", {})
        return json.dumps(body), "application/problem+json"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
