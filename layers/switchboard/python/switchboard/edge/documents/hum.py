"""HUM's document: its introduction, its roles, its errors, and the headers of its answers."""

from __future__ import annotations

from typing import Any

from switchboard.edge.dialects.hum import COOKIE, body
from switchboard.edge.documents import headers
from switchboard.edge.openapi import Description, Refusal
from switchboard.team.permissions import Permission, Role, may

_TEXT = """\
The console of a team that talks and texts with people: who works there, whom they know, and whom they leave alone.

**Signing in.** Open `/auth/login` in a browser. The deployment's OpenID Connect issuer vouches for you, and you come
back with a session in the cookie `{cookie}`, which no script can read. A session ends when you sign out, when nobody
uses it for twelve hours, and after seven days. A person who is in no organization creates one with `POST /api/orgs`, or
accepts an invite: `GET /api/me` shows those for their verified address. A person may belong to several organizations:
`POST /api/session/org` turns to another, `POST /api/team/leave` leaves one.

**Roles.** What a member may do follows from their role, as it is when the request comes:

| | {roles} |
|---|{lines}|
{table}

**From a browser.** A request that changes something is refused with `cross_origin` when `Origin` or `Sec-Fetch-Site`
say that another site's page made it.

**Retries.** Every POST, PATCH and DELETE takes an `Idempotency-Key`. The first answer is kept for 24 hours and given
again, byte for byte, with `Idempotent-Replayed: true`; answers of 500 and above are not kept. A key belongs to the
person who sends it.

**Lists** answer `next_cursor`, to send as `cursor`, until it is `null`. A page may be short and still have a next one.

**Errors** are `{{"error", "code", "message", "details"}}`. `error` is the word of the status, `code` that of the very
condition, for a program to act on; `message` is for people. What belongs to another organisation is 404.
"""


def _text() -> str:
    rows = [
        f"| `{permission}` | {' | '.join('yes' if may(role, permission) else '' for role in Role)} |"
        for permission in Permission
    ]
    return _TEXT.format(
        cookie=COOKIE, roles=" | ".join(Role), lines="|".join("---" for _ in Role), table="\n".join(rows)
    )


_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "Why a request was refused.",
    "properties": {
        "error": {"type": "string", "description": "The status in a word."},
        "code": {"type": "string", "description": "The condition, for a program to act on."},
        "message": {"type": "string", "description": "What is wrong, for a person to read."},
        "details": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": True},
            "description": "What belongs to the code: for invalid input each `field` with its `message`.",
        },
    },
    "required": ["error", "code", "message", "details"],
}


def _refusal(name: str, meaning: str, word: str, code: str, text: str, *headers: str, **detail: Any) -> Refusal:
    example = body(word, code, text, [detail] if detail else [])
    return Refusal(name=name, meaning=meaning, example=example, headers=headers)


_REPLAYED = "Idempotent-Replayed"
_REFUSALS = {
    400: _refusal(
        "InvalidRequest", "The request is not valid: a parameter, a header, the JSON, or a field of the body.",
        "invalid_request", "invalid_request", "The request is not valid.", _REPLAYED,
        field="e164", message="Field required",
    ),
    401: _refusal(
        "Unauthorized", "There is no session, or one that was ended or is over.",
        "unauthorized", "expired", "The session is over: sign in again.", headers.CHALLENGE,
    ),
    402: _refusal(
        "PlanLimit", "There is room for no more of this.",
        "plan_limit", "invite_limit", "At most 100 invites are open at a time: revoke some first.", _REPLAYED,
        limit=100,
    ),
    403: _refusal(
        "Forbidden", "The member's role may not do this, or the person has no organisation yet, or another site asks.",
        "forbidden", "insufficient_role", "The role viewer may not do this.", _REPLAYED, permission="contacts.write",
    ),
    404: _refusal(
        "NotFound", "There is no such thing in this organisation.",
        "not_found", "not_found", "There is no such member.", _REPLAYED,
    ),
    405: _refusal(
        "MethodNotAllowed", "The path exists and does not take this method.",
        "method_not_allowed", "method_not_allowed", "This path does not take PUT.", "Allow", allow=["GET", "PATCH"],
    ),
    409: _refusal(
        "Conflict", "The change collides with what is there, or the Idempotency-Key with an earlier request.",
        "conflict", "last_admin", "The organisation's last admin stays one: make somebody else an admin first.",
        _REPLAYED, "Retry-After",
    ),
    413: _refusal(
        "PayloadTooLarge", "The body is larger than 1 MB.",
        "payload_too_large", "payload_too_large", "The body is larger than 1,048,576 bytes.", limit=1_048_576,
    ),
    415: _refusal(
        "UnsupportedMediaType", "The body is not `application/json`.",
        "unsupported_media_type", "unsupported_media_type", "This takes application/json.", received="text/plain",
    ),
    429: _refusal(
        "TooManyRequests",
        "Too many requests in this minute or second, of the person or of all people of the organization; or too many"
        " invites by mail.",
        "rate_limited", "rate_limited", "Rate limit exceeded.", "Retry-After", retry_after=12,
    ),
    500: _refusal(
        "InternalError", "A fault on our side. Repeating the request with its Idempotency-Key is safe.",
        "internal_error", "internal_error", "Something went wrong on our side.",
    ),
    503: _refusal(
        "ServiceUnavailable", "Something that the answer needs is away for the moment.",
        "service_unavailable", "service_unavailable", "The request could not be recorded; try it again.",
        "Retry-After",
    ),
}  # fmt: skip


_ALWAYS = {
    "x-request-id": headers.text("Names this exchange.", "req_01kfe2v7g0hjkmnpqrstvwxyz0"),
    **headers.limits(20, 300),
}
_SOMETIMES = {
    "Allow": headers.ALLOW,
    "Idempotent-Replayed": headers.REPLAYED,
    "Retry-After": headers.RETRY_AFTER,
    headers.CHALLENGE: headers.challenge(f'Cookie name="{COOKIE}"'),
}

#: The contract's names of what a path names. A route's own names say what the id is of.
_VARIABLES = {
    "invite_id": "id",
    "block_id": "id",
    "contact_id": "id",
    "flow_id": "id",
    "number_id": "id",
    "voicemail_id": "id",
    "webhook_id": "id",
    "note_id": "id",
    "trigger_id": "id",
    "user_id": "userId",
    "call_id": "callId",
    "delivery_id": "deliveryId",
}

DESCRIPTION = Description(
    variables=_VARIABLES,
    title="HUM API",
    version="1.0.0",
    text=_text(),
    # Each group tells of its own.
    tags={},
    security={
        "sessionCookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": "A person's session, as `/auth/callback` sets it.",
        }
    },
    error="ErrorResponse",
    error_schema=_ERROR,
    error_type="application/json",
    refusals=_REFUSALS,
    headers=_ALWAYS | _SOMETIMES,
    always=tuple(_ALWAYS),
    idempotency_key=headers.IDEMPOTENCY_KEY,
)
