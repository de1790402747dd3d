"""Athos' document: its introduction, its errors, and the headers of its answers."""

from __future__ import annotations

from typing import Any

from switchboard.edge.dialects.athos import REQUEST_ID, body
from switchboard.edge.documents import headers
from switchboard.edge.openapi import Description, Refusal

_TEXT = """\
Roleplay training for resellers: mint a session, let a rep's browser redeem it, read the scored call.

**Who calls what.** Your back end mints sessions and reads calls with its key, `Authorization: Bearer ath_live_…`. The
rep's browser redeems the session with the token that your back end handed it, once: that operation alone may be called
from other origins (CORS).

**A call's way.** A redeemed session is a call, which a persona takes. When it has ended it is scored by the drill's
rubric, criterion by criterion with the evidence for each; then it is listed here, and a webhook tells of it. A call
that could not be scored is never listed.

**Quota.** Each minted session takes a place of the month's quota (UTC), and gives it back when no call comes of it:
because it expires unredeemed, because there is no such drill, or because the transport is down.

**Errors** are `{"error": {"code", "message", "requestId"}}`. Act on `code`; `message` is for people. Every answer names
its request in `X-Athos-Request-Id`. A condition for which there is no code of its own has the nearest: too many
requests are `SERVICE_UNAVAILABLE` with 429 and `Retry-After`, a path or a method that is not there `INVALID_REQUEST`.
"""

_CODES = (
    *("INVALID_API_KEY", "API_KEY_REVOKED", "INVALID_TOKEN", "TOKEN_EXPIRED", "TOKEN_ALREADY_USED"),
    *("IP_NOT_ALLOWED", "TENANT_INACTIVE", "TENANT_QUOTA_EXCEEDED", "INVALID_REQUEST", "DRILL_NOT_FOUND"),
    *("CALL_NOT_FOUND", "SERVICE_UNAVAILABLE", "INTERNAL_ERROR"),
)
_IN_ERROR: dict[str, Any] = {
    "code": {"type": "string", "enum": list(_CODES), "description": "The condition, for a program to act on."},
    "message": {"type": "string", "description": "What is wrong, for a person to read."},
    "requestId": {"type": "string", "description": "The request's id, as in `X-Athos-Request-Id`."},
}
_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "Why a request was refused.",
    "properties": {"error": {"type": "object", "properties": _IN_ERROR, "required": list(_IN_ERROR)}},
    "required": ["error"],
}
_EXAMPLE_ID = "req_2f8c1e94-3b6a-4d20-9a7e-1c5f0b8e2d44"


def _refusal(name: str, meaning: str, code: str, message: str, *headers: str) -> Refusal:
    return Refusal(name=name, meaning=meaning, example=body(code, message, _EXAMPLE_ID), headers=headers)


_REFUSALS = {
    400: _refusal(
        "InvalidRequest", "The request is not valid: a parameter, the JSON, or a field of the body.",
        "INVALID_REQUEST", "The request is not valid. externalUserId: Field required.",
    ),
    401: _refusal(
        "Unauthorized", "No key was sent, or one that is unknown, expired or revoked.",
        "INVALID_API_KEY", "The API key is not known.", headers.CHALLENGE,
    ),
    403: _refusal(
        "Forbidden", "The tenant is not active, or the key may not be used from this address.",
        "TENANT_INACTIVE", "The organisation is not active.",
    ),
    404: _refusal("NotFound", "There is no such thing.", "CALL_NOT_FOUND", "There is no such call."),
    405: _refusal(
        "MethodNotAllowed", "The path exists and does not take this method.",
        "INVALID_REQUEST", "This path does not take GET.", "Allow",
    ),
    413: _refusal(
        "PayloadTooLarge", "The body is larger than 1 MB.",
        "INVALID_REQUEST", "The body is larger than 1,048,576 bytes.",
    ),
    415: _refusal(
        "UnsupportedMediaType", "The body is not `application/json`.",
        "INVALID_REQUEST", "This takes application/json.",
    ),
    429: _refusal(
        "TooManyRequests", "Too many requests in this minute or second.",
        "SERVICE_UNAVAILABLE", "Rate limit exceeded.", "Retry-After",
    ),
    500: _refusal(
        "InternalError", "A fault on our side.", "INTERNAL_ERROR", "Something went wrong on our side.",
    ),
    503: _refusal(
        "ServiceUnavailable", "Something that the answer needs is away for the moment.",
        "SERVICE_UNAVAILABLE", "The voice transport is down: mint another token in a while.", "Retry-After",
    ),
}  # fmt: skip


_ALWAYS = {
    REQUEST_ID: headers.text("Names this request: quote it to support.", _EXAMPLE_ID),
    **headers.limits(),
}
_SOMETIMES = {
    "Allow": headers.ALLOW,
    "Retry-After": headers.RETRY_AFTER,
    headers.CHALLENGE: headers.challenge("Bearer"),
}

DESCRIPTION = Description(
    title="Athos External API",
    version="1.0.0",
    text=_TEXT,
    tags={"Sessions": "Mint and redeem roleplay sessions.", "Calls": "Read scored calls."},
    security={
        "ApiKeyAuth": {
            "type": "http",
            "scheme": "bearer",
            "description": "A tenant's key, `ath_live_…`: for back ends, never for a browser.",
        }
    },
    schemes={
        "SessionToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A session token, as it was minted: short-lived, and good once.",
        }
    },
    error="Error",
    error_schema=_ERROR,
    error_type="application/json",
    refusals=_REFUSALS,
    headers=_ALWAYS | _SOMETIMES,
    always=tuple(_ALWAYS),
)
