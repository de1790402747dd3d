"""Cross-origin requests (CORS), for the few operations that pages of other origins call.

Browsers send no cookies to these operations: the credential is a token in the request. A policy says which origins may
call an operation: all origins, or the origins that the token allows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from switchboard.errors import Forbidden, Invalid
from switchboard.kit import settings, web_origins

if TYPE_CHECKING:
    from switchboard.edge.exchange import Exchange, Request

#: Seconds for which a browser may cache a preflight response. No browser caches longer.
_PREFLIGHT_CACHE_SECONDS = 7_200
_ALLOWED_HEADERS = ("Authorization", "Content-Type")


@dataclass(frozen=True)
class CorsPolicy(ABC):
    """The origins whose scripts may call an operation."""

    #: Whether the caller's token lists the allowed origins.
    by_token: ClassVar[bool] = False

    @abstractmethod
    def preflight_origin(self, request: Request) -> str | None:
        """Returns the origin to allow in a preflight response. Raises Forbidden."""

    @abstractmethod
    def require_allowed_origin(self, exchange: Exchange) -> str | None:
        """Returns the origin of an authenticated call. Raises Forbidden if the origin is not allowed."""

    @abstractmethod
    def cors_headers(self, exchange: Exchange, exposed: Sequence[str]) -> dict[str, str]:
        """Returns the CORS headers of a response: they let an allowed script read it, and exclude all others."""


@dataclass(frozen=True)
class AnyOrigin(CorsPolicy):
    """Allows every origin. Any script may read every response, including errors."""

    def preflight_origin(self, request: Request) -> str | None:  # noqa: ARG002 every origin is allowed
        return None

    def require_allowed_origin(self, exchange: Exchange) -> str | None:  # noqa: ARG002 every origin is allowed
        return None

    def cors_headers(self, exchange: Exchange, exposed: Sequence[str]) -> dict[str, str]:  # noqa: ARG002 every origin is allowed
        return _readable("*", exposed)


@dataclass(frozen=True)
class TokenOrigins(CorsPolicy):
    """Allows the origins that the caller's token lists. The operation's scheme reads them into `call.origins`.

    A preflight request has no token, so it succeeds for every origin that a token could allow. The call itself fails
    unless its token allows the origin, and no script can read that error.
    """

    by_token = True

    def preflight_origin(self, request: Request) -> str | None:
        return _origin_of(request)

    def require_allowed_origin(self, exchange: Exchange) -> str | None:
        origin = _own_page(exchange.request) or _origin_of(exchange.request)
        if not web_origins.is_allowed(origin, exchange.origins):
            raise _refused()
        return origin

    def cors_headers(self, exchange: Exchange, exposed: Sequence[str]) -> dict[str, str]:
        # A cache must not return the response for one origin to another origin. This holds for errors too.
        varies = {"Vary": "Origin"}
        # Echoes the browser's own spelling: browsers compare it exactly. A page of our own needs no permission to read.
        sent = exchange.request.header_values("origin")
        return varies | (_readable(sent[0], exposed) if exchange.origin and sent else {})


def preflight_headers(methods: Sequence[str]) -> dict[str, str]:
    """Returns the headers of a preflight response other than the origin."""
    return {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ", ".join(_ALLOWED_HEADERS),
        "Access-Control-Max-Age": str(_PREFLIGHT_CACHE_SECONDS),
    }


def _readable(origin: str, exposed: Sequence[str]) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": ", ".join(exposed)}


def _own_page(request: Request) -> str | None:
    """Returns our own origin for a request of a page of our own that reads: browsers send no `Origin` with it."""
    if request.header_values("origin") or request.header_values("sec-fetch-site") != ["same-origin"]:
        return None
    own = urlsplit(settings.text("PUBLIC_URL", ""))
    return f"{own.scheme}://{own.netloc}".lower()


def _origin_of(request: Request) -> str:
    try:
        return web_origins.normalize_origin(request.header("origin") or "")
    except (ValueError, Invalid):
        raise _refused() from None


def _refused() -> Forbidden:
    return Forbidden(
        "This token does not allow this origin. Call from one of its allowed origins.", code="origin_not_allowed"
    )
