"""HUM's OpenAPI document: introduction, roles, errors and response headers."""

from __future__ import annotations

import re
from typing import Any

from switchboard.dialects.hum.dialect import COOKIE
from switchboard.dialects.hum.errors import error_body
from switchboard.edge import document_headers
from switchboard.edge.descriptions import ApiDescription, ErrorDescription, OperationFacts, SampleVariables
from switchboard.team.permissions import PERMISSIONS, Permission, Role

_TEXT = """\
The console API for a team that talks to people by telephone and by text. A flow is an AI agent: it answers the calls
and texts to your numbers, and places calls of its own. The API serves flows with their versions, telephone numbers,
calls with their transcripts, summaries, recordings, tags and notes, a live stream of each call, and voicemails with
their transcripts and AI summaries. It also serves conversations of texts, scheduled texts, campaigns, opt-outs,
figures, contacts, blocked numbers and the team. Webhooks report what happens, triggers take events of other systems,
and MCP servers give tools to flows. Widgets talk on the pages of partners. Brands register the organization for
American texts, and billing has its plan. `POST /api/flows` and `POST /api/numbers/buy` are the first steps. `POST
/api/outbound/calls` places a call of a flow, and `POST /api/sms/conversations` sends a first text. `GET /api/calls`
lists what happened.

**Signing in.** Open `/auth/login` in a browser. The OpenID Connect issuer of this deployment authenticates you. You
return with a session in the cookie `{cookie}`, which scripts cannot read. A session ends when you sign out, after
twelve hours without a request, or after seven days. A person without an organization creates one with `POST /api/orgs`
or accepts an invite. `GET /api/me` lists the invites for the person's verified address. A person may belong to several
organizations: `POST /api/session/org` switches to another one, `POST /api/team/leave` leaves the current one.

**Roles.** The current role of a member decides which permissions a request has:

| | {roles} |
|---|{lines}|
{table}

**Browsers.** A request that changes data fails with `cross_origin` if `Origin` or `Sec-Fetch-Site` shows that a page of
another site sent it.

**Retries.** Every POST, PATCH and DELETE accepts an `Idempotency-Key`. The first response is stored for 24 hours. A
retry with the same key returns it again, byte for byte, with `Idempotent-Replayed: true`. Responses with status 500 and
above are not stored. Keys are separate for each person.

**Lists** return `next_cursor`. Send it as `cursor` to get the next page. It is `null` on the last page. A short page is
not always the last page.

**Unknown names.** Fields of a body and query parameters that an operation does not know are ignored. The schemas that
refuse unknown fields have `additionalProperties: false`.

**Errors** are `{{"error", "code", "message", "details"}}`. `error` names the status. `code` names the exact condition:
programs act on it. `message` is for people. Objects of another organization return 404.
"""


def _text() -> str:
    rows = [
        f"| `{permission}` | {' | '.join('yes' if permission in PERMISSIONS[role] else '' for role in Role)} |"
        for permission in Permission
    ]
    return _TEXT.format(
        cookie=COOKIE, roles=" | ".join(Role), lines="|".join("---" for _ in Role), table="\n".join(rows)
    )


_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "The reason for a refusal.",
    "properties": {
        "error": {"type": "string", "description": "The status in a word."},
        "code": {"type": "string", "description": "The condition. Programs act on this field."},
        "message": {"type": "string", "description": "Explains to a person what is wrong."},
        "details": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": True},
            "description": "Facts that depend on the code. For invalid input: each `field` with its `message`. `body`"
            " is the body as a whole.",
        },
    },
    "required": ["error", "code", "message", "details"],
}


def _refusal(
    name: str, meaning: str, word: str, code: str, text: str, *headers: str, **detail: Any
) -> ErrorDescription:
    example = error_body(word, code, text, [detail] if detail else [])
    return ErrorDescription(name=name, meaning=meaning, example=example, headers=headers)


_REPLAYED = "Idempotent-Replayed"
_REFUSALS = {
    400: _refusal(
        "InvalidRequest", "A parameter, a header, the JSON or a field of the body is not valid.",
        "invalid_request", "invalid_request", "The request is not valid: see the fields.", _REPLAYED,
        field="body", message="must be an object",
    ),
    401: _refusal(
        "Unauthorized", "The session is missing, ended or expired.",
        "unauthorized", "expired", "The session has expired: sign in again.", document_headers.CHALLENGE,
    ),
    402: _refusal(
        "PlanLimit", "The limit for this kind of object is reached.",
        "plan_limit", "invite_limit", "The organization has 100 open invites, which is the limit: revoke one first.",
        _REPLAYED, limit=100,
    ),
    403: _refusal(
        "Forbidden",
        "The member's role does not allow this, the person has no organization yet, or another site sent the request.",
        "forbidden", "insufficient_role", "The role viewer does not allow this: ask an admin of the organization.",
        _REPLAYED, permission="contacts.write",
    ),
    404: _refusal(
        "NotFound", "The organization has no object with this id.",
        "not_found", "not_found", "There is no such object: check its id.", _REPLAYED,
    ),
    405: _refusal(
        "MethodNotAllowed", "The path exists, but does not support this method.",
        "method_not_allowed", "method_not_allowed", "This path does not support PUT: use GET or PATCH.", "Allow",
        allow=["GET", "PATCH"],
    ),
    409: _refusal(
        "Conflict", "The change conflicts with the current state, or the Idempotency-Key with an earlier request.",
        "conflict", "last_admin", "This is the organization's last admin: make another member an admin first.",
        _REPLAYED, "Retry-After",
    ),
    413: _refusal(
        "PayloadTooLarge", "The body is larger than 1 MB, or its file larger than 4 MB.",
        "payload_too_large", "payload_too_large", "The body is larger than 1,048,576 bytes: send a smaller body.",
        limit=1_048_576,
    ),
    415: _refusal(
        "UnsupportedMediaType", "The body does not have the media type of the operation.",
        "unsupported_media_type", "unsupported_media_type", "Send the body as application/json.", received="text/plain",
    ),
    429: _refusal(
        "TooManyRequests",
        "Too many requests in this minute or second by the person or by the whole organization, or too many invites"
        " by mail.",
        "rate_limited", "rate_limited", "Rate limit exceeded: wait, then try again.", "Retry-After", retry_after=12,
    ),
    500: _refusal(
        "InternalError", "An error on our side. You can safely retry the request with its Idempotency-Key.",
        "internal_error", "internal_error",
        "Something went wrong on our side: retry the request with the same Idempotency-Key.",
    ),
    503: _refusal(
        "ServiceUnavailable", "A service that this request needs is temporarily unavailable. Retry later.",
        "service_unavailable", "service_unavailable", "The request could not be recorded: retry it.",
        "Retry-After",
    ),
}  # fmt: skip


_WRONG_TYPES = {
    "string": "must be a text",
    "boolean": "must be true or false",
    "integer": "must be an integer",
    "number": "must be a number",
    "array": "must be a list",
    "object": "must be an object",
}


def _fit_example(status: int, example: dict[str, Any], facts: OperationFacts) -> dict[str, Any]:
    """Returns the example of an error as an operation answers it: with the operation's field, or what is unknown."""
    if status == 400 and facts.field:
        problem = "is missing" if facts.is_required else _WRONG_TYPES[facts.kind]
        return example | {"details": [{"field": facts.field, "message": problem}]}
    if status == 400 and facts.numbers:
        return example | {"details": [{"field": facts.numbers[0], "message": "must be an integer"}]}
    if status == 404 and facts.text:
        noun = re.match(r"There is no such ([\w ]+)", facts.text)
        return example | {"message": f"There is no such {noun[1]}: check its id." if noun else facts.text}
    return example


_ALWAYS = {
    "x-request-id": document_headers.describe_text_header(
        "Identifies this HTTP request.", "req_01kfe2v7g0hjkmnpqrstvwxyz0"
    ),
    **document_headers.describe_limit_headers(20, 300),
}
_SOMETIMES = {
    "Allow": document_headers.ALLOW,
    "Idempotent-Replayed": document_headers.REPLAYED,
    "Retry-After": document_headers.RETRY_AFTER,
    document_headers.CHALLENGE: document_headers.describe_challenge(f'Cookie name="{COOKIE}"'),
}

#: The variables of served paths that the contract does not simply call `id`.
CONTRACT_VARIABLES = {
    "batch_id": "batchId",
    "call_id": "callId",
    "delivery_id": "deliveryId",
    "firing_id": "firingId",
    "lead_id": "leadId",
    "user_id": "userId",
}


def _contract_variable(name: str) -> str:
    """Returns the contract's name of a path variable. The name in the route says the noun: `contact_id`."""
    return CONTRACT_VARIABLES.get(name, "id" if name.endswith("_id") else name)


DESCRIPTION = ApiDescription(
    contract_variable=_contract_variable,
    title="HUM API",
    version="1.0.0",
    text=_text(),
    # Each group of routes describes its own tags.
    tags={},
    security={
        "sessionCookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": "The session of a person. `/auth/callback` sets it.",
        }
    },
    schemes={
        "WidgetKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "The public key of a widget, `whk_…`. Pages show it: it proves nothing but the widget.",
        },
        "WidgetSession": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of a widget's session, which its start returned.",
        },
    },
    sample_variables=SampleVariables(
        credentials={
            "sessionCookie": "HUM_SESSION",
            "WidgetKey": "WIDGET_KEY",
            "WidgetSession": "WIDGET_SESSION_TOKEN",
        }
    ),
    error="ErrorResponse",
    fit_example=_fit_example,
    error_schema=_ERROR,
    error_type="application/json",
    refusals=_REFUSALS,
    headers=_ALWAYS | _SOMETIMES,
    always=tuple(_ALWAYS),
    idempotency_key=document_headers.IDEMPOTENCY_KEY,
    # They mark as read, record that somebody looked, or try something without a change.
    harmless=frozenset(
        {
            *("markAllCallsRead", "updateCallReadState", "recordCallView"),
            *("markAllVoicemailsRead", "recordVoicemailView", "recordVoicemailPlay"),
            *("markSmsConversationRead", "previewWebhookTemplate", "checkMcpServer"),
        }
    ),
)
