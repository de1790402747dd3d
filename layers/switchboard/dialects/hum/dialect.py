"""HUM: errors `{error,code,message,details}`, and a session cookie."""

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


#: The limit of all people of an organization together, in multiples of the plan's requests per minute.
_CEILING = 10


class Hum(Dialect):
    """HUM's dialect. It is also the default for paths that belong to no other API."""

    name = "hum"
    base_path = ""
    steps = csrf.PIPELINE

    def authenticate(self, exchange: Exchange) -> None:
        text = exchange.request.cookie(COOKIE)
        if not text:
            raise Unauthenticated("The session cookie is missing: sign in first.", code="missing")
        exchange.signed_in = sessions.authenticate_session(text)
        exchange.credential = exchange.signed_in.cookie.secret

    def limit(self, exchange: Exchange) -> rate_limit.Limits:
        """Counts a request against the limit of its person and the common limit of the organization's people.

        The response headers show the limit of the person. The limit of the API keys is separate. Raises RateLimited if
        the common limit is exhausted.
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
            # Both counts are writes. They run in parallel.
            ceiling.begin()
        exchange.limits = rate_limit.count_request(
            person, settings.number("PERSON_PER_MINUTE", 300), settings.number("PERSON_PER_SECOND", 20)
        )
        together = ceiling.result() if exchange.limits.allowed or not known else None
        if exchange.limits.allowed and together and not together.allowed:
            raise RateLimited(
                "The people of this organization make too many requests together: wait, then try again.",
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
    """Counts a request against the common limit of an organization's people.

    It is ten times the plan's requests per minute, and at least CONSOLE_PER_MINUTE.
    """
    terms = organization.terms
    minute = max(settings.number("CONSOLE_PER_MINUTE", 3_000), _CEILING * terms.requests_per_minute)
    second = max(settings.number("CONSOLE_PER_SECOND", 200), terms.requests_per_second)
    return rate_limit.count_request(_ceiling_bucket(organization), minute, second)


def _ceiling_bucket(organization: Organization) -> str:
    return f"{organization.id}#console"
