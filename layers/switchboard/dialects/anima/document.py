"""Anima's OpenAPI document: introduction, errors and response headers."""

from __future__ import annotations

from typing import Any

from switchboard.accounts.models import KeyKind
from switchboard.dialects.anima.errors import problem
from switchboard.edge import document_headers
from switchboard.edge.descriptions import ApiDescription, ErrorDescription, SampleVariables

_TEXT = """\
Mail, calls, webhooks, live events and a verifiable audit chain for software agents and the people who own them.

**Keys.** Send `Authorization: Bearer <key>`. An `ak_` key acts as one agent. An `mk_` key acts for the whole
organization: it creates agents and keys, and sets the spending cap. A revoked key stops working within seconds.

**Retries.** Every POST, PUT, PATCH and DELETE accepts an `Idempotency-Key`. The first response is stored for 24 hours.
A retry with the same key returns it again, byte for byte, with `Idempotent-Replayed: true`. Responses with status 500
and above are not stored. The same key with another method, path, query or body fails with 409
`IDEMPOTENCY_BODY_MISMATCH`. Keys are separate for each agent; all master keys of an organization share one set.
Refusals are stored too. For example, a call that was refused outside the calling hours stays refused for this key for
24 hours: place it with a new key after `details.nextAllowedAt`.

**Your own JSON** (`metadata`) may have at most 8 KB and eight levels. Fractions and long numbers are returned exactly
as you sent them.

**Workflows.** All requests with the same `x-correlation-id` belong to one workflow. `GET /v1/audit/events` lists the
events of a workflow. A request without a correlation id gets a new one. `x-request-id` is different: it identifies one
HTTP request.

**Unknown names.** Fields of a body and query parameters that an operation does not know are ignored. A mail with
attachments or with a sender of its own is refused, because other versions of this API give these fields a meaning.

**Limits.** The plan of an organization sets its requests per minute and per second. Every response reports how many
requests are left. A 429 response has the seconds to wait in `Retry-After`.

**Errors** are problem documents (RFC 9457) with a stable `code`. The member `error` repeats code, message and details
for older clients. A known path with an unsupported method returns 405 and lists the supported methods in `Allow`.
"""

_IN_ERROR = {
    "code": {"type": "string"},
    "message": {"type": "string"},
    "details": {"type": "object", "additionalProperties": True},
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "The reason for a refusal (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Identifies the kind of problem."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "Explains to a person what is wrong with this request."},
        "instance": {"type": "string", "description": "The path of the request."},
        "code": {"type": "string", "description": "The condition. Programs act on this field."},
        "details": {
            "type": "object",
            "additionalProperties": True,
            "description": "Facts that depend on the code: `fields` for invalid input, `reason`, `current`, `cap`.",
        },
        "error": {
            "type": "object",
            "deprecated": True,
            "description": "Code, message and details again, in the place where older clients read them.",
            "properties": _IN_ERROR,
            "required": list(_IN_ERROR),
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "code", "details", "error"],
}


def _refusal(
    status: int,
    name: str,
    meaning: str,
    code: str,
    detail: str,
    *headers: str,
    path: str = "/v1/email/send",
    **details: Any,
) -> ErrorDescription:
    return ErrorDescription(
        name=name, meaning=meaning, example=problem(status, code, detail, path, details), headers=headers
    )


_REPLAYED = "Idempotent-Replayed"
_REFUSALS = {
    400: _refusal(
        400, "Invalid", "A parameter, a header, the JSON or a field of the body is not valid.",
        "VALIDATION_ERROR", "The request is not valid: see the fields.", _REPLAYED,
        fields={"subject": "is missing"},
    ),
    401: _refusal(
        401, "Unauthorized", "The API key is missing, unknown, expired or revoked.",
        "UNAUTHORIZED", "The API key is unknown: check that it is the right key.", document_headers.CHALLENGE,
        reason="unknown",
    ),
    402: _refusal(
        402, "PaymentRequired", "The plan's quota or the organization's spending cap is reached.",
        "PAYMENT_REQUIRED",
        "The organization's monthly spending cap is reached: raise the cap, or wait for the next month (UTC).",
        _REPLAYED, reason="hard_cap", resource="email", current=500, cap=500,
    ),
    403: _refusal(
        403, "Forbidden", "The key does not allow this, or its organization or agent is not active.",
        "MASTER_KEY_REQUIRED", "This operation requires the organization's master key: use that key.", _REPLAYED,
        path="/v1/keys",
    ),
    404: _refusal(
        404, "NotFound", "The organization has no object with this id.",
        "NOT_FOUND", "There is no such message: check its id.", _REPLAYED, path="/v1/email/messages/msg_1",
    ),
    405: _refusal(
        405, "MethodNotAllowed", "The path exists, but does not support this method.",
        "METHOD_NOT_ALLOWED", "This path does not support GET: use POST.", "Allow", allow=["POST"],
    ),
    409: _refusal(
        409, "Conflict", "The Idempotency-Key was used for another request, or its first request is still in progress.",
        "IDEMPOTENCY_BODY_MISMATCH", "This Idempotency-Key was used for another request: use a new key.",
        _REPLAYED, "Retry-After",
    ),
    413: _refusal(
        413, "PayloadTooLarge", "The body is larger than 1 MB.",
        "PAYLOAD_TOO_LARGE", "The body is larger than 1,048,576 bytes: send a smaller body.", limit=1_048_576,
    ),
    415: _refusal(
        415, "UnsupportedMediaType", "The body is not `application/json`.",
        "UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json.",
        reason="unsupported_media", received="text/plain",
    ),
    429: _refusal(
        429, "TooManyRequests", "Too many requests in this minute or second.",
        "RATE_LIMIT", "Rate limit exceeded: wait, then try again.", "Retry-After", limit=60, remaining=0, retryAfter=12,
    ),
    500: _refusal(
        500, "InternalError", "An error on our side. You can safely retry the request with its Idempotency-Key.",
        "INTERNAL_ERROR", "Something went wrong on our side: retry the request with the same Idempotency-Key.",
    ),
    503: _refusal(
        503, "ServiceUnavailable", "A service that this request needs is temporarily unavailable. Retry later.",
        "SERVICE_UNAVAILABLE", "The request could not be recorded: retry it.", reason="unavailable",
    ),
}  # fmt: skip


_ALWAYS = {
    "x-request-id": document_headers.describe_text_header(
        "Identifies this HTTP request.", "req_01kfe2v7g0hjkmnpqrstvwxyz0"
    ),
    "x-correlation-id": document_headers.describe_text_header(
        "The id of this request's workflow.", "corr_01kfe2v7g0hjkmnpqrstvwxyz0"
    ),
    **document_headers.describe_limit_headers(),
}
_SOMETIMES = {
    "Allow": document_headers.ALLOW,
    "Idempotent-Replayed": document_headers.REPLAYED,
    "Retry-After": document_headers.RETRY_AFTER,
    document_headers.CHALLENGE: document_headers.describe_challenge("Bearer"),
}

DESCRIPTION = ApiDescription(
    title="Anima API",
    version="1.0.0",
    text=_TEXT,
    tags={
        "Sign-up": "Start here. No key is needed.",
        "Email": "Send and receive email.",
        "Voice": "Place calls. The compliance gate checks each call first.",
        "Audit": "Read past events as a chain of hashes that you can verify.",
        "Events": "Read events live.",
        "Agents": "The agents of an organization.",
        "Keys": "Create, rotate and revoke API keys.",
        "Webhooks": "Receive events as signed HTTP requests, with retries and a delivery log.",
        "Compliance": "Opt-outs, the do-not-call list and consents. One set of ledgers covers all channels.",
        "Billing": "Plan, usage and spending cap.",
    },
    security={
        "BearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key: `ak_` for an agent, `mk_` for an organization, `sk_` for the platform itself.",
        }
    },
    sample_variables=SampleVariables(
        credentials={"BearerAuth": "ANIMA_AGENT_KEY"},
        keys={KeyKind.AGENT: "ANIMA_AGENT_KEY", KeyKind.MASTER: "ANIMA_MASTER_KEY"},
        renamed={"AGENT_ID": "ANIMA_AGENT_ID"},
    ),
    error="Problem",
    error_schema=_PROBLEM,
    error_type="application/problem+json",
    refusals=_REFUSALS,
    headers=_ALWAYS | _SOMETIMES,
    always=tuple(_ALWAYS),
    parameters={
        "XCorrelationId": {
            "name": "x-correlation-id",
            "in": "header",
            "description": "The id of this request's workflow. The default is `correlation_id` in the body.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
        }
    },
    idempotency_key=document_headers.IDEMPOTENCY_KEY,
)
