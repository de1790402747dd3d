"""API keys sent as `Authorization: Bearer …`."""

from __future__ import annotations

from switchboard.access import keys as access
from switchboard.accounts.models import KeyKind
from switchboard.edge.exchange import Exchange
from switchboard.errors import Invalid, Unauthenticated


def authenticate(exchange: Exchange, kinds: frozenset[KeyKind]) -> None:
    """Authenticate a request by its bearer key. Raises Unauthenticated or Forbidden."""
    exchange.credential = read_bearer_token(exchange)
    if not exchange.credential:
        raise Unauthenticated("An API key is required: Authorization: Bearer <key>.", code="missing")
    exchange.snapshot = access.authenticate_key(exchange.credential, kinds, exchange.request.source_ip)


def read_bearer_token(exchange: Exchange) -> str:
    """Returns the bearer credential of a request, or an empty text.

    Raises Unauthenticated if there are several Authorization headers.
    """
    try:
        value = exchange.request.header("authorization") or ""
    except Invalid:
        raise Unauthenticated("There are several Authorization headers. Send one.", code="malformed") from None
    scheme, _, text = value.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
