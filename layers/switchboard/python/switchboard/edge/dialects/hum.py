"""HUM: `{error,code,message,details}`, a session cookie."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from switchboard.access import sessions
from switchboard.accounts.models import Organisation
from switchboard.aws import aside, settings
from switchboard.edge import csrf, rate_limit
from switchboard.edge.call import Call
from switchboard.edge.dialect import Dialect
from switchboard.errors import DomainError, RateLimited, Unauthenticated

COOKIE = "bh_hum_session"

_BY_STATUS = {
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
#: Refusals whose own word says no more than their status does.
_PLAIN = frozenset(
    {
        *("invalid", "unauthenticated", "missing", "malformed", "unknown", "quota_exceeded", "unknown_path"),
        *("rate_limited_per_second", "too_large", "unsupported_media", "unavailable"),
    }
)


#: How many times its plan's requests a minute an organization's people may make together.
_CEILING = 10


class Hum(Dialect):
    """HUM's dialect. It is also the default: whatever is at no other API's path is answered in it."""

    name = "hum"
    base_path = ""
    steps = csrf.PIPELINE

    def authenticate(self, call: Call) -> None:
        text = call.request.cookie(COOKIE)
        if not text:
            raise Unauthenticated("Sign in first.", code="missing")
        call.signed_in = sessions.authenticate(text)
        call.credential = call.signed_in.cookie.secret

    def limit(self, call: Call) -> rate_limit.Limits:
        """Count a person's request in their own bucket, and beside it against their organization's ceiling.

        The headers tell of the person's bucket. The API keys' bucket is not touched.
        """
        if call.signed_in is None:
            return super().limit(call)
        person, organization = call.signed_in.bucket, call.signed_in.organisation
        ceiling = aside.Task(lambda: _count_against_ceiling(organization) if organization else None)
        known = rate_limit.in_hand(person) or not organization or rate_limit.in_hand(_ceiling_bucket(organization))
        if not known:
            # Two writes that do not wait for each other.
            ceiling.begin()
        call.limits = rate_limit.take(
            person, settings.number("PERSON_PER_MINUTE", 300), settings.number("PERSON_PER_SECOND", 20)
        )
        together = ceiling.result() if call.limits.allowed or not known else None
        if call.limits.allowed and together and not together.allowed:
            raise RateLimited(
                "The people of this organization make too many requests together. Wait, then try again.",
                code="organization_rate_limited",
                limit=together.exhausted.limit,
                remaining=0,
                retry_after=together.retry_after,
            )
        return call.limits

    def challenge(self) -> str:
        return f'Cookie name="{COOKIE}"'

    def error_body(self, status: int, error: DomainError, call: Call) -> tuple[Any, str]:  # noqa: ARG002
        word = _BY_STATUS.get(status, "internal_error")
        if error.code == "invalid_json":
            word = error.code
        fields: dict[str, Any] = error.details.get("fields", {})
        details = [{"field": name, "message": message} for name, message in fields.items()]
        details += [{name: value} for name, value in error.details.items() if name != "fields"]
        return body(word, word if error.code in _PLAIN else error.code, error.message, details), "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        word = _BY_STATUS.get(status, default_code.lower())
        return json.dumps(body(word, word, HTTPStatus(status).phrase, [])), "application/json"


def _count_against_ceiling(organization: Organisation) -> rate_limit.Limits:
    """Count a request of any of an organization's people: together they may do ten times what its plan allows."""
    terms = organization.terms
    minute = max(settings.number("CONSOLE_PER_MINUTE", 3_000), _CEILING * terms.requests_per_minute)
    second = max(settings.number("CONSOLE_PER_SECOND", 200), terms.requests_per_second)
    return rate_limit.take(_ceiling_bucket(organization), minute, second)


def _ceiling_bucket(organization: Organisation) -> str:
    return f"{organization.id}#console"


def body(word: str, code: str, message: str, details: list[dict[str, Any]]) -> dict[str, Any]:
    """An error: the word of its status (docs/contracts/hum.md#errors), and the word of the very condition."""
    return {"error": word, "code": code, "message": message, "details": details}
