"""HUM's error bodies: `error` is the word of the status, `code` names the condition (docs/contracts/hum.md#errors)."""

from __future__ import annotations

from typing import Any

WORD_OF_STATUS = {
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
#: Error codes that are the word too (docs/contracts/hum.md#errors).
OWN_WORDS = frozenset({"invalid_json", "opted_out"})
#: Error codes that add nothing to the status. `code` is then the word of the status.
REDUNDANT_CODES = frozenset(
    {
        *("invalid", "unauthenticated", "missing", "malformed", "unknown", "quota_exceeded", "unknown_path"),
        *("rate_limited_per_second", "too_large", "unsupported_media", "unavailable"),
    }
)


def error_body(word: str, code: str, message: str, details: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns an error body. `word` names the status, `code` the condition (docs/contracts/hum.md#errors)."""
    return {"error": word, "code": code, "message": message, "details": details}
