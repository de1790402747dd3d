"""OptiComm's OpenAPI document: introduction, errors and response headers."""

from __future__ import annotations

from typing import Any

from switchboard.edge import document_headers
from switchboard.edge.descriptions import ApiDescription, ErrorDescription, SampleVariables

_TEXT = """\
Start an AI call and read its result. The API has one path; `action` in the body selects the operation.

**Keys.** Send `X-API-Key`. Calls with an `sk_live_` key reach real people. Calls with an `sk_test_` key run in a
simulator: they cost nothing and reach nobody, but otherwise behave like live calls. Live and test keys do not share
calls or `request_id`s. A key may be limited to certain permissions (the names of the actions), IP addresses and agents,
and it may have its own rate limits.

**Agents** are your outbound flows. Name a flow by its UUID or by its ElevenLabs id, `agent_…`.

**Retries.** Send your own `request_id`, and repeat the request as often as you need. Every repetition returns the call
that the first request started, with `duplicate: true`. The other fields of a repetition are ignored. This works for as
long as the call is stored. Repetitions do not count toward the limits. A refused request does not use up its
`request_id`.

**Compliance.** A call to a number that is on your do-not-call list or has opted out fails with 403 `PHONE_ON_DNC`. If
no consent is recorded for the number, the consent of the key applies, then the consent of the flow. The call fails with
403 `PERMISSION_DENIED` if there is no consent, if it is outside the calling hours of the number's possible locations,
or if the number has a new owner. `message` names the rule. Test keys may call at any hour.

**Limits.** A key has a limit of requests per minute (60 by default) and of calls per UTC day (1,000 by default). Every
response reports the requests left. Only accepted calls count toward the day. All keys of a company share the plan's
daily calls and the spending cap. A 429 response has the seconds to wait in `retry_after` and in `Retry-After`.

**Callbacks.** `webhook_url` receives a POST when the call is initiated, and one when it completes or fails, in this
order. The body has the fields of `check_status` and an `event`. Callbacks are signed as Standard Webhooks define, with
the secret that was shown with the key. They are retried until your server accepts them.

**Unknown names.** Fields of a body and query parameters that the operation does not know are ignored.

**Order of checks.** Key, IP address, action, permission, repeated `request_id`, fields, limits, number, agent,
do-not-call list, call. The response reports the first check that fails. The plan's daily calls and the spending cap are
checked last. A condition without its own code uses the nearest one. An unknown path, an unsupported method and invalid
or too large JSON return `INVALID_ACTION`. A malformed field returns `MISSING_FIELDS`.
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
        "error": {"type": "string", "enum": list(codes), "description": "The condition. Programs act on this field."},
        "message": {"type": "string", "description": "Explains to a person what is wrong with this request."},
        **more,
    }
    return {"type": "object", "description": description, "properties": properties, "required": list(properties)}


def _refusal(name: str, meaning: str, code: str, message: str, *headers: str, **more: Any) -> ErrorDescription:
    return ErrorDescription(
        name=name,
        meaning=meaning,
        example={"success": False, "error": code, "message": message, **more},
        headers=headers,
        schema="RateLimitResponse" if more else None,
    )


_REFUSALS = {
    400: _refusal(
        "Invalid", "The action is unknown, a field is missing or malformed, or the phone number is not valid.",
        "MISSING_FIELDS", "The request is not valid: see the fields. agent_id: is missing.",
    ),
    401: _refusal(
        "Unauthorized", "The key is missing, malformed, unknown, revoked or expired.",
        "INVALID_API_KEY", "The API key is unknown: check that it is the right key.", document_headers.CHALLENGE,
    ),
    403: _refusal(
        "Forbidden",
        "The key does not allow this IP address, action or agent, or the compliance gate refused the call.",
        "PHONE_ON_DNC",
        "This number is on your organization's do-not-call list. Do not call or text it. (rule dnc: on_list)",
    ),
    404: _refusal(
        "NotFound", "There is no such agent, call or path.", "CALL_NOT_FOUND", "There is no such call: check its id.",
    ),
    405: _refusal(
        "MethodNotAllowed", "The path exists, but does not support this method.",
        "INVALID_ACTION", "This path does not support GET: use POST.", "Allow",
    ),
    413: _refusal(
        "PayloadTooLarge", "The body is larger than 1 MB.",
        "INVALID_ACTION", "The body is larger than 1,048,576 bytes: send a smaller body.",
    ),
    415: _refusal(
        "UnsupportedMediaType", "The body is not `application/json`.",
        "INVALID_ACTION", "Send the body as application/json.",
    ),
    429: _refusal(
        "TooManyRequests", "The limit of requests per minute or of calls per day is reached.",
        "RATE_LIMIT_EXCEEDED", "Rate limit exceeded: wait, then try again.", "Retry-After", retry_after=12,
    ),
    500: _refusal(
        "Failed", "The call could not be started, or an error on our side. A retry with the same `request_id` is safe.",
        "CALL_FAILED", "The voice provider is down. Try again later.", "Retry-After",
    ),
}  # fmt: skip


_ALWAYS = {
    "x-request-id": document_headers.describe_text_header(
        "Identifies this HTTP request.", "req_01kfe2v7g0hjkmnpqrstvwxyz0"
    ),
    **document_headers.describe_limit_headers(60),
}
_SOMETIMES = {
    "Allow": document_headers.ALLOW,
    "Retry-After": document_headers.RETRY_AFTER,
    document_headers.CHALLENGE: document_headers.describe_challenge('ApiKey header="X-API-Key"'),
}

DESCRIPTION = ApiDescription(
    title="OptiComm API",
    version="1.0.0",
    text=_TEXT,
    tags={"External API": "Two actions on one path."},
    security={
        "ApiKeyAuth": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "`sk_live_…` calls real people. `sk_test_…` calls a simulator.",
        }
    },
    sample_variables=SampleVariables(
        credentials={"ApiKeyAuth": "OPTICOMM_TEST_KEY"}, renamed={"AGENT_ID": "OPTICOMM_AGENT_ID"}
    ),
    error="ErrorResponse",
    error_schema=_error("The reason for a refusal.", _CODES),
    error_type="application/json",
    other_errors={
        "RateLimitResponse": _error(
            "A limit is reached; `retry_after` is the time to wait.",
            ("RATE_LIMIT_EXCEEDED", "DAILY_LIMIT_EXCEEDED"),
            retry_after={"type": "number", "description": "Seconds to wait before the next attempt."},
        )
    },
    refusals=_REFUSALS,
    headers=_ALWAYS | _SOMETIMES,
    always=tuple(_ALWAYS),
)
