"""HUM: `{error,code,message,details}`, a session cookie."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from switchboard.access import sessions
from switchboard.accounts.models import Organization
from switchboard.dialects.hum import csrf
from switchboard.dialects.hum.errors import SAID_BY_STATUS, WORD_OF_STATUS, error_body
from switchboard.edge import rate_limit
from switchboard.edge.dialect import Dialect
from switchboard.edge.exchange import Exchange
from switchboard.errors import DomainError, RateLimited, Unauthenticated
from switchboard.kit import background, settings

COOKIE = "bh_hum_session"


#: How many times its plan's requests a minute an organization's people may make together.
_CEILING = 10


class Hum(Dialect):
    """HUM's dialect. It is also the default: whatever is at no other API's path is answered in it."""

    name = "hum"
    base_path = ""
    steps = csrf.PIPELINE

    def authenticate(self, exchange: Exchange) -> None:
        text = exchange.request.cookie(COOKIE)
        if not text:
            raise Unauthenticated("Sign in first.", code="missing")
        exchange.signed_in = sessions.authenticate_session(text)
        exchange.credential = exchange.signed_in.cookie.secret

    def limit(self, exchange: Exchange) -> rate_limit.Limits:
        """Count a person's request in their own bucket, and beside it against their organization's ceiling.

        The headers tell of the person's bucket. The API keys' bucket is not touched.
        """
        if exchange.signed_in is None:
            return super().limit(exchange)
        person, organization = exchange.signed_in.bucket, exchange.signed_in.organization
        ceiling = background.BackgroundTask(lambda: _count_against_ceiling(organization) if organization else None)
        known = (
            rate_limit.decides_locally(person)
            or not organization
            or rate_limit.decides_locally(_ceiling_bucket(organization))
        )
        if not known:
            # Two writes that do not wait for each other.
            ceiling.begin()
        exchange.limits = rate_limit.count_request(
            person, settings.number("PERSON_PER_MINUTE", 300), settings.number("PERSON_PER_SECOND", 20)
        )
        together = ceiling.result() if exchange.limits.allowed or not known else None
        if exchange.limits.allowed and together and not together.allowed:
            raise RateLimited(
                "The people of this organization make too many requests together. Wait, then try again.",
                code="organization_rate_limited",
                limit=together.exhausted.limit,
                remaining=0,
                retry_after=together.retry_after,
            )
        return exchange.limits

    def challenge(self) -> str:
        return f'Cookie name="{COOKIE}"'

    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:  # noqa: ARG002
        word = WORD_OF_STATUS.get(status, "internal_error")
        if error.code == "invalid_json":
            word = error.code
        fields: dict[str, Any] = error.details.get("fields", {})
        details = [{"field": name, "message": message} for name, message in fields.items()]
        details += [{name: value} for name, value in error.details.items() if name != "fields"]
        return error_body(
            word, word if error.code in SAID_BY_STATUS else error.code, error.message, details
        ), "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        word = WORD_OF_STATUS.get(status, default_code.lower())
        return json.dumps(error_body(word, word, HTTPStatus(status).phrase, [])), "application/json"


def _count_against_ceiling(organization: Organization) -> rate_limit.Limits:
    """Count a request of any of an organization's people: together they may do ten times what its plan allows."""
    terms = organization.terms
    minute = max(settings.number("CONSOLE_PER_MINUTE", 3_000), _CEILING * terms.requests_per_minute)
    second = max(settings.number("CONSOLE_PER_SECOND", 200), terms.requests_per_second)
    return rate_limit.count_request(_ceiling_bucket(organization), minute, second)


def _ceiling_bucket(organization: Organization) -> str:
    return f"{organization.id}#console"
