"""Requests that a page of another site lets a signed-in browser make (cross-site request forgery).

Browsers say where a request comes from, in `Origin` or in `Sec-Fetch-Site`, and no page can change that. What says
neither is no browser, and holds no cookie that it was not given.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from switchboard.aws import settings
from switchboard.edge import pipeline
from switchboard.edge.call import Call
from switchboard.edge.http import Reply, Request
from switchboard.errors import Forbidden

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: `none` is a person's own doing: an address typed, a bookmark.
_OWN_SITES = frozenset({"same-origin", "none"})


def same_origin(call: Call, proceed: pipeline.Proceed) -> Reply:
    """Let no other site change anything. Raises Forbidden."""
    # An operation that other sites may call is opened by what is in the request, and never by a cookie.
    shared = call.operation is not None and call.operation.cross_origin is not None
    if call.request.method not in _SAFE and not shared and not _ours(call.request):
        raise Forbidden("This request comes from another site.", code="cross_origin")
    return proceed()


def _ours(request: Request) -> bool:
    origins = request.values("origin")
    if origins:
        return set(origins) == {_own_origin()}
    return set(request.values("sec-fetch-site")) <= _OWN_SITES


def _own_origin() -> str:
    own = urlsplit(settings.text("PUBLIC_URL", ""))
    return f"{own.scheme}://{own.netloc}"


#: As other dialects', with the check before authentication: a page of another site learns nothing about the session.
PIPELINE = (
    pipeline.route,
    same_origin,
    pipeline.authenticate,
    pipeline.limit,
    pipeline.read_body,
    pipeline.be_idempotent,
    pipeline.answer,
)
