"""Athos' OpenAPI document: introduction, errors and response headers."""

from __future__ import annotations

from typing import Any

from switchboard.dialects.athos.dialect import REQUEST_ID
from switchboard.dialects.athos.errors import error_body
from switchboard.edge import document_headers
from switchboard.edge.descriptions import ApiDescription, ErrorDescription, SampleVariables

_TEXT = """\
Roleplay training for resellers: mint a session, let a rep's browser redeem it, and read the scored call.

**Back end and browser.** Your back end mints sessions and reads calls with its key, `Authorization: Bearer ath_live_…`.
It passes the session token to the rep's browser. The browser redeems the token once. Only this operation allows
requests from other origins (CORS).

**Life of a call.** Redeeming a session creates a call with a persona. After the call ends, it is scored by the drill's
rubric: each criterion gets points and evidence. Then the API lists the call and sends a webhook. A call that could not
be scored is never listed.

**Quota.** Each minted session uses one place of the monthly quota (UTC). The place is returned if the session does not
become a call: the token expires, the drill does not exist, or the voice transport is down.

**Unknown names.** Fields of a body and query parameters that an operation does not know are ignored.

**Errors** are `{"error": {"code", "message", "requestId"}}`. Programs act on `code`; `message` is for people. Every
response has the id of its request in `X-Athos-Request-Id`. A condition without its own code uses the nearest one. Too
many requests return 429 with `SERVICE_UNAVAILABLE` and `Retry-After`. An unknown path or an unsupported method returns
`INVALID_REQUEST`.
"""

_CODES = (
    *("INVALID_API_KEY", "API_KEY_REVOKED", "INVALID_TOKEN", "TOKEN_EXPIRED", "TOKEN_ALREADY_USED"),
    *("IP_NOT_ALLOWED", "TENANT_INACTIVE", "TENANT_QUOTA_EXCEEDED", "INVALID_REQUEST", "DRILL_NOT_FOUND"),
    *("CALL_NOT_FOUND", "SERVICE_UNAVAILABLE", "INTERNAL_ERROR"),
)
_IN_ERROR: dict[str, Any] = {
    "code": {"type": "string", "enum": list(_CODES), "description": "The condition. Programs act on this field."},
    "message": {"type": "string", "description": "Explains to a person what is wrong."},
    "requestId": {"type": "string", "description": "The id of the request, the same as in `X-Athos-Request-Id`."},
}
_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "The reason for a refusal.",
    "properties": {"error": {"type": "object", "properties": _IN_ERROR, "required": list(_IN_ERROR)}},
    "required": ["error"],
}
_EXAMPLE_ID = "req_2f8c1e94-3b6a-4d20-9a7e-1c5f0b8e2d44"


def _refusal(name: str, meaning: str, code: str, message: str, *headers: str) -> ErrorDescription:
    return ErrorDescription(name=name, meaning=meaning, example=error_body(code, message, _EXAMPLE_ID), headers=headers)


_REFUSALS = {
    400: _refusal(
        "InvalidRequest", "A parameter, the JSON or a field of the body is not valid.",
        "INVALID_REQUEST", "The request is not valid: see the fields. externalUserId: is missing.",
    ),
    401: _refusal(
        "Unauthorized", "The key is missing, unknown, expired or revoked.",
        "INVALID_API_KEY", "The API key is unknown: check that it is the right key.", document_headers.CHALLENGE,
    ),
    403: _refusal(
        "Forbidden", "The tenant is not active, or the key does not allow this IP address.",
        "TENANT_INACTIVE", "The organization is not active: contact support.",
    ),
    404: _refusal(
        "NotFound", "The tenant has no object with this id.", "CALL_NOT_FOUND", "There is no such call: check its id."
    ),
    405: _refusal(
        "MethodNotAllowed", "The path exists, but does not support this method.",
        "INVALID_REQUEST", "This path does not support GET: use POST.", "Allow",
    ),
    413: _refusal(
        "PayloadTooLarge", "The body is larger than 1 MB.",
        "INVALID_REQUEST", "The body is larger than 1,048,576 bytes: send a smaller body.",
    ),
    415: _refusal(
        "UnsupportedMediaType", "The body is not `application/json`.",
        "INVALID_REQUEST", "Send the body as application/json.",
    ),
    429: _refusal(
        "TooManyRequests", "Too many requests in this minute or second.",
        "SERVICE_UNAVAILABLE", "Rate limit exceeded: wait, then try again.", "Retry-After",
    ),
    500: _refusal(
        "InternalError", "An error on our side.", "INTERNAL_ERROR",
        "Something went wrong on our side: try again later.",
    ),
    503: _refusal(
        "ServiceUnavailable", "A service that this request needs is temporarily unavailable. Retry later.",
        "SERVICE_UNAVAILABLE", "The voice service is down: mint a new token later.", "Retry-After",
    ),
}  # fmt: skip


_ALWAYS = {
    REQUEST_ID: document_headers.describe_text_header(
        "The id of this request. Send it with every question to support.", _EXAMPLE_ID
    ),
    **document_headers.describe_limit_headers(),
}
_SOMETIMES = {
    "Allow": document_headers.ALLOW,
    "Retry-After": document_headers.RETRY_AFTER,
    document_headers.CHALLENGE: document_headers.describe_challenge("Bearer"),
}

DESCRIPTION = ApiDescription(
    title="Athos External API",
    version="1.0.0",
    text=_TEXT,
    tags={"Sessions": "Mint and redeem roleplay sessions.", "Calls": "Read scored calls."},
    security={
        "ApiKeyAuth": {
            "type": "http",
            "scheme": "bearer",
            "description": "A tenant's key, `ath_live_…`. Use it in a back end only, never in a browser.",
        }
    },
    schemes={
        "SessionToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A minted session token. It is short-lived and works once.",
        }
    },
    sample_variables=SampleVariables(credentials={"ApiKeyAuth": "ATHOS_KEY", "SessionToken": "ATHOS_SESSION_TOKEN"}),
    error="Error",
    error_schema=_ERROR,
    error_type="application/json",
    refusals=_REFUSALS,
    headers=_ALWAYS | _SOMETIMES,
    always=tuple(_ALWAYS),
)
