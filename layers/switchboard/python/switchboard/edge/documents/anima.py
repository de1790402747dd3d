"""Anima's document: its introduction, its errors, and the headers of its answers."""

from __future__ import annotations

from typing import Any

from switchboard.edge.dialects.anima import problem
from switchboard.edge.documents import headers
from switchboard.edge.openapi import Description, Refusal

_TEXT = """\
E-mail, audit and administration for software agents and the people who own them.

**Keys.** Send `Authorization: Bearer <key>`. An `ak_` key acts as one agent; an `mk_` key acts for the whole
organisation, and creates agents, keys and spending limits. A revoked key stops working within seconds.

**Retries.** Every POST, PUT, PATCH and DELETE takes an `Idempotency-Key`. The first answer is kept for 24 hours and
given again, byte for byte, with `Idempotent-Replayed: true`; answers of 500 and above are not kept. The same key with
another method, path, query or body is refused with 409 `IDEMPOTENCY_BODY_MISMATCH`. A key belongs to who acts: each
agent has its own, and all master keys of an organisation share theirs. A refusal is an answer: a call that was refused
outside its hours is refused with that key for 24 hours. Place it with another key after `details.nextAllowedAt`.

**Your own JSON** (`metadata`) has at most 8 KB and eight levels. Fractions and long numbers come back as they were
sent.

**Workflows.** Whatever carries the same `x-correlation-id` is one workflow, and `GET /v1/audit/events` shows all that
happened in it. Without one, each request gets a new id. `x-request-id` is another thing: it names one HTTP exchange.

**Limits.** Each organisation has a number of requests a minute and a second, by plan. Every answer says what is left;
429 says in `Retry-After` when to come back.

**Errors** are problem documents (RFC 9457) with a stable `code`. The member `error` repeats the essentials for older
clients. A known path with another method answers 405 and lists what it takes in `Allow`.
"""

_IN_ERROR = {
    "code": {"type": "string"},
    "message": {"type": "string"},
    "details": {"type": "object", "additionalProperties": True},
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Names the kind of problem."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong with this request, for a person to read."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "code": {"type": "string", "description": "The condition, for a program to act on."},
        "details": {
            "type": "object",
            "additionalProperties": True,
            "description": "What belongs to the code: `fields` for invalid input, `reason`, `current` and `cap` …",
        },
        "error": {
            "type": "object",
            "deprecated": True,
            "description": "Code, message and details once more, where older clients look for them.",
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
) -> Refusal:
    return Refusal(name=name, meaning=meaning, example=problem(status, code, detail, path, details), headers=headers)


_REPLAYED = "Idempotent-Replayed"
_REFUSALS = {
    400: _refusal(
        400, "Invalid", "The request is not valid: a parameter, a header, the JSON, or a field of the body.",
        "VALIDATION_ERROR", "The request is not valid.", _REPLAYED, fields={"subject": "Field required"},
    ),
    401: _refusal(
        401, "Unauthorized", "No API key was sent, or one that is unknown, expired or revoked.",
        "UNAUTHORIZED", "The API key is not known.", headers.CHALLENGE, reason="unknown",
    ),
    402: _refusal(
        402, "PaymentRequired", "The plan's quota or the organisation's spending cap is reached.",
        "PAYMENT_REQUIRED", "The organisation's monthly spending cap is reached.", _REPLAYED,
        reason="hard_cap", resource="email", current=500, cap=500,
    ),
    403: _refusal(
        403, "Forbidden", "The key may not do this, or its organisation or agent is not active.",
        "MASTER_KEY_REQUIRED", "This takes the organisation's master key.", _REPLAYED, path="/v1/keys",
    ),
    404: _refusal(
        404, "NotFound", "There is no such thing in this organisation.",
        "NOT_FOUND", "There is no such message.", _REPLAYED, path="/v1/email/messages/msg_1",
    ),
    405: _refusal(
        405, "MethodNotAllowed", "The path exists and does not take this method.",
        "METHOD_NOT_ALLOWED", "This path does not take GET.", "Allow", allow=["POST"],
    ),
    409: _refusal(
        409, "Conflict", "The Idempotency-Key was used for another request, or its first request is still under way.",
        "IDEMPOTENCY_BODY_MISMATCH", "This Idempotency-Key was used for another request.", _REPLAYED, "Retry-After",
    ),
    413: _refusal(
        413, "PayloadTooLarge", "The body is larger than 1 MB.",
        "PAYLOAD_TOO_LARGE", "The body is larger than 1,048,576 bytes.", limit=1_048_576,
    ),
    415: _refusal(
        415, "UnsupportedMediaType", "The body is not `application/json`.",
        "UNSUPPORTED_MEDIA_TYPE", "This takes application/json.", reason="unsupported_media", received="text/plain",
    ),
    429: _refusal(
        429, "TooManyRequests", "Too many requests in this minute or second.",
        "RATE_LIMIT", "Rate limit exceeded.", "Retry-After", limit=60, remaining=0, retryAfter=12,
    ),
    500: _refusal(
        500, "InternalError", "A fault on our side. Repeating the request with its Idempotency-Key is safe.",
        "INTERNAL_ERROR", "Something went wrong on our side.",
    ),
    503: _refusal(
        503, "ServiceUnavailable", "Something that the answer needs is away for the moment.",
        "SERVICE_UNAVAILABLE", "The request could not be recorded; try it again.", reason="unavailable",
    ),
}  # fmt: skip


_ALWAYS = {
    "x-request-id": headers.text("Names this exchange.", "req_01kfe2v7g0hjkmnpqrstvwxyz0"),
    "x-correlation-id": headers.text("The workflow that this request belongs to.", "corr_01kfe2v7g0hjkmnpqrstvwxyz0"),
    **headers.limits(),
}
_SOMETIMES = {
    "Allow": headers.ALLOW,
    "Idempotent-Replayed": headers.REPLAYED,
    "Retry-After": headers.RETRY_AFTER,
    headers.CHALLENGE: headers.challenge("Bearer"),
}

DESCRIPTION = Description(
    title="Anima API",
    version="1.0.0",
    text=_TEXT,
    tags={
        "Sign-up": "Begin here: no key is needed.",
        "Email": "Mail that agents send and get.",
        "Voice": "Calls that agents place, behind the compliance gate.",
        "Audit": "What happened, in a chain that can be verified.",
        "Events": "What happens, while it happens.",
        "Agents": "The agents of an organisation.",
        "Keys": "API keys: create, replace, revoke.",
        "Webhooks": "Being told: signed, tried again, recorded.",
        "Compliance": "Who opted out, who must not be called, and who consented: one set of ledgers for all channels.",
        "Billing": "Plan, use and spending cap.",
    },
    security={
        "BearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key: `ak_` of an agent, `mk_` of an organisation, `sk_` of the platform itself.",
        }
    },
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
            "description": "The workflow that this request belongs to; else the body's `correlation_id`.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
        }
    },
    idempotency_key=headers.IDEMPOTENCY_KEY,
)
