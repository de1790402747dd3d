"""HUM: errors `{error,code,message,details}`, a session cookie, and protection against cross-site request forgery.

Pages of other sites may use a signed-in person's browser. Browsers send the origin of a request in `Origin` or
`Sec-Fetch-Site`, and no page can change these headers. A client that sends neither is not a browser, so no other site
can use its cookies.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from switchboard.access import sessions
from switchboard.accounts.models import Organization
from switchboard.dialects.hum.errors import OWN_WORDS, REDUNDANT_CODES, WORD_OF_STATUS, error_body
from switchboard.edge import pipeline, rate_limit
from switchboard.edge.dialect import Dialect, gateway_text
from switchboard.edge.exchange import Exchange, Reply, Request
from switchboard.errors import DomainError, Forbidden, RateLimited, Unauthenticated
from switchboard.kit import background, settings

COOKIE = "bh_hum_session"
#: The limit of all people of an organization together, in multiples of the plan's requests per minute.
_CEILING = 10

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: `none` means that the person started the request: a typed address or a bookmark.
_OWN_SITES = frozenset({"same-origin", "none"})


def require_same_origin(exchange: Exchange, proceed: pipeline.Proceed) -> Reply:
    """Raises Forbidden for a request of another site that changes data."""
    # Operations with a CORS policy take their credential from the request, never from a cookie.
    shared = exchange.operation is not None and exchange.operation.cross_origin is not None
    if exchange.request.method not in _SAFE and not shared and not _ours(exchange.request):
        raise Forbidden("This request comes from another site: send it from the console.", code="cross_origin")
    return proceed()


def _ours(request: Request) -> bool:
    origins = request.header_values("origin")
    if origins:
        return set(origins) == {_own_origin()}
    return set(request.header_values("sec-fetch-site")) <= _OWN_SITES


def _own_origin() -> str:
    own = urlsplit(settings.text("PUBLIC_URL", ""))
    return f"{own.scheme}://{own.netloc}"


#: The default order, with the origin check before authentication: another site learns nothing about the session.
PIPELINE = (
    pipeline.route,
    require_same_origin,
    pipeline.authenticate,
    pipeline.limit,
    pipeline.read_body,
    pipeline.be_idempotent,
    pipeline.answer,
)


class Hum(Dialect):
    """HUM's dialect. It is also the default for paths that belong to no other API."""

    name = "hum"
    base_path = ""
    landing_path = "/api"
    steps: Sequence[pipeline.Step] = PIPELINE

    def authenticate(self, exchange: Exchange) -> None:
        text = exchange.request.cookie(COOKIE)
        if not text:
            raise Unauthenticated("The session cookie is missing: sign in first.", code="missing")
        beside = exchange.operation.beside if exchange.operation else None
        exchange.signed_in = sessions.authenticate_session(text, beside)
        exchange.credential = exchange.signed_in.cookie.secret

    def count_request(self, exchange: Exchange) -> rate_limit.Limits:
        """Counts a request against the limit of its person and the common limit of the organization's people.

        The response headers show the limit of the person. The limit of the API keys is separate. Raises RateLimited if
        the common limit is exhausted.
        """
        if exchange.signed_in is None:
            return super().count_request(exchange)
        person, organization = exchange.signed_in.bucket, exchange.signed_in.organization
        ceiling = background.BackgroundTask(lambda: _count_against_ceiling(organization) if organization else None)
        known = (
            rate_limit.decides_locally(person)
            or not organization
            or rate_limit.decides_locally(_ceiling_bucket(organization))
        )
        if not known:
            # Both counts are writes. They run in parallel.
            ceiling.start()
        exchange.limits = rate_limit.count_request(
            person, settings.number("PERSON_PER_MINUTE", 300), settings.number("PERSON_PER_SECOND", 20)
        )
        together = ceiling.result() if exchange.limits.allowed or not known else None
        if exchange.limits.allowed and together and not together.allowed:
            raise RateLimited(
                "The people of this organization make too many requests together: wait, then try again.",
                code="organization_rate_limited",
                limit=together.full_window.limit,
                remaining=0,
                retry_after=together.retry_after,
            )
        return exchange.limits

    def challenge(self) -> str:
        return f'Cookie name="{COOKIE}"'

    def error_body(self, status: int, error: DomainError, exchange: Exchange) -> tuple[Any, str]:  # noqa: ARG002
        word = WORD_OF_STATUS.get(status, "internal_error")
        if error.code in OWN_WORDS:
            word = error.code
        fields: dict[str, Any] = error.details.get("fields", {})
        details = [{"field": name, "message": message} for name, message in fields.items()]
        details += [{_to_snake_case(name): value} for name, value in error.details.items() if name != "fields"]
        return error_body(
            word, word if error.code in REDUNDANT_CODES else error.code, error.message, details
        ), "application/json"

    def gateway_body(self, status: int, default_code: str) -> tuple[str, str]:
        word = WORD_OF_STATUS.get(status, default_code.lower())
        return json.dumps(error_body(word, word, gateway_text(status), [])), "application/json"


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


def _to_snake_case(name: str) -> str:
    """Returns the name of a detail as HUM spells its fields. Another contract has `nextAllowedAt`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
