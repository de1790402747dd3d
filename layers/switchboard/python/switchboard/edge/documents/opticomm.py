"""OptiComm's document: its introduction, its errors, and the headers of its answers."""

from __future__ import annotations

from typing import Any

from switchboard.edge.documents import headers
from switchboard.edge.openapi import Description, Refusal

_TEXT = """\
Let an agent call somebody, and learn how the call went: one path, and an `action` in the body.

**Keys.** Send `X-API-Key`. With an `sk_live_` key people are called. With an `sk_test_` key nobody is: the call rings,
talks and ends in a simulator, costs nothing, and shows everything else as it would be. The two see each other's calls
and `request_id`s no more than another company's. A key may be bound to permissions (the names of the actions), to
addresses, to agents, and to limits of its own.

**Agents** are your outbound flows, named by their UUID or by the `agent_…` id that ElevenLabs has for them.

**Retries.** Send a `request_id` of your own, and repeat the request as often as you like: all repetitions get the
call that the first one started, with `duplicate: true`, for as long as the call is kept, and whatever else they ask
for. They are not counted. A request that was refused started nothing, so that its `request_id` is still free.

**Compliance.** No number is called that is on your do-not-call list or has opted out (403 `PHONE_ON_DNC`). Consent
that is not on record for the number comes from the key, else from the flow; without any, outside the calling hours
where the number may be, or where a number changed hands, it is 403 `PERMISSION_DENIED`, and `message` names the rule.
With a test key any hour will do.

**Limits.** A key has requests a minute (60 unless agreed otherwise), of which every answer says what is left, and
calls a day, by UTC (1,000). Only calls that are accepted count towards the day. The plan's calls a day and the
spending cap hold for all keys of a company. 429 says in `retry_after`, and in `Retry-After`, when to come back.

**Callbacks.** `webhook_url` gets a POST when the call was initiated and when it completed or failed, in this order,
with the fields of `check_status` and an `event`. They are signed by Standard Webhooks with the secret that was shown
with the key, and sent again until they are taken.

**Order.** Key, address, action, permission, repetition, fields, limits, number, agent, do-not-call list, call: the
first that fails is what the answer tells. A known `request_id` is answered before the fields are looked at. The plan's
calls a day and the spending cap are looked at last. A condition that has no word of its own has the nearest one: an
unknown path, another method, JSON that cannot be read or is too large are `INVALID_ACTION`, a field that is malformed
is among the `MISSING_FIELDS`.
"""

_CODES = (
    "MISSING_API_KEY",
    "INVALID_API_KEY_FORMAT",
    "INVALID_API_KEY",
    "API_KEY_EXPIRED",
    "IP_NOT_ALLOWED",
    "PERMISSION_DENIED",
    "AGENT_NOT_ALLOWED",
    "PHONE_ON_DNC",
    "INVALID_ACTION",
    "MISSING_FIELDS",
    "INVALID_PHONE_FORMAT",
    "MISSING_CALL_ID",
    "AGENT_NOT_FOUND",
    "CALL_NOT_FOUND",
    "CALL_FAILED",
    "INTERNAL_ERROR",
)


def _error(description: str, codes: tuple[str, ...], **more: Any) -> dict[str, Any]:
    properties = {
        "success": {"type": "boolean", "enum": [False]},
        "error": {"type": "string", "enum": list(codes), "description": "The condition, for a program to act on."},
        "message": {"type": "string", "description": "What is wrong with this request, for a person to read."},
        **more,
    }
    return {"type": "object", "description": description, "properties": properties, "required": list(properties)}


def _refusal(name: str, meaning: str, code: str, message: str, *headers: str, **more: Any) -> Refusal:
    return Refusal(
        name=name,
        meaning=meaning,
        example={"success": False, "error": code, "message": message, **more},
        headers=headers,
        schema="RateLimitResponse" if more else None,
    )


_REFUSALS = {
    400: _refusal(
        "Invalid", "The action is unknown, a field is missing or malformed, or the number is none.",
        "MISSING_FIELDS", "The request is not valid. agent_id: Field required.",
    ),
    401: _refusal(
        "Unauthorized", "No key was sent, or one that is malformed, unknown, revoked or expired.",
        "INVALID_API_KEY", "The API key is not known.", headers.CHALLENGE,
    ),
    403: _refusal(
        "Forbidden",
        "The key may not be used from this address, for this action or with this agent, or the gate refused.",
        "PHONE_ON_DNC", "This number is on the organisation's do-not-call list. (rule dnc: on_list)",
    ),
    404: _refusal(
        "NotFound", "There is no such agent, call or path.", "CALL_NOT_FOUND", "There is no such call.",
    ),
    405: _refusal(
        "MethodNotAllowed", "The path exists and does not take this method.",
        "INVALID_ACTION", "This path does not take GET.", "Allow",
    ),
    413: _refusal(
        "PayloadTooLarge", "The body is larger than 1 MB.",
        "INVALID_ACTION", "The body is larger than 1,048,576 bytes.",
    ),
    415: _refusal(
        "UnsupportedMediaType", "The body is not `application/json`.", "INVALID_ACTION", "This takes application/json.",
    ),
    429: _refusal(
        "TooManyRequests", "The key's requests of this minute, or the calls of today, are used up.",
        "RATE_LIMIT_EXCEEDED", "Rate limit exceeded.", "Retry-After", retry_after=12,
    ),
    500: _refusal(
        "Failed", "The call could not be started, or a fault of ours: repeating it with its `request_id` is safe.",
        "CALL_FAILED", "The voice provider is down.", "Retry-After",
    ),
}  # fmt: skip


_ALWAYS = {
    "x-request-id": headers.text("Names this exchange.", "req_01kfe2v7g0hjkmnpqrstvwxyz0"),
    **headers.limits(60),
}
_SOMETIMES = {
    "Allow": headers.ALLOW,
    "Retry-After": headers.RETRY_AFTER,
    headers.CHALLENGE: headers.challenge('ApiKey header="X-API-Key"'),
}

DESCRIPTION = Description(
    title="OptiComm API",
    version="1.0.0",
    text=_TEXT,
    tags={"External API": "Two actions at one path."},
    security={
        "ApiKeyAuth": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "`sk_live_…` calls people, `sk_test_…` calls nobody.",
        }
    },
    error="ErrorResponse",
    error_schema=_error("Why a request was refused.", _CODES),
    error_type="application/json",
    other_errors={
        "RateLimitResponse": _error(
            "That there were too many, and when there may be more.",
            ("RATE_LIMIT_EXCEEDED", "DAILY_LIMIT_EXCEEDED"),
            retry_after={"type": "number", "description": "Seconds to wait before the next try."},
        )
    },
    refusals=_REFUSALS,
    headers=_ALWAYS | _SOMETIMES,
    always=tuple(_ALWAYS),
)
