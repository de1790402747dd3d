"""Protection against cross-site request forgery: pages of other sites that use a signed-in person's browser.

Browsers send the origin of a request in `Origin` or `Sec-Fetch-Site`, and no page can change these headers. A client
that sends neither is not a browser, so no other site can use its cookies.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from switchboard.edge import pipeline
from switchboard.edge.exchange import Exchange
from switchboard.edge.http import Reply, Request
from switchboard.errors import Forbidden
from switchboard.kit import settings

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
    origins = request.values("origin")
    if origins:
        return set(origins) == {_own_origin()}
    return set(request.values("sec-fetch-site")) <= _OWN_SITES


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
