"""The portal's `Api`, and the responses that its routes return: pages and files."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from functions.portal import templates
from functions.portal.files import File
from switchboard.dialects.hum.dialect import COOKIE, Hum
from switchboard.edge.api import Api
from switchboard.edge.landing import relative_root

CACHE_FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "public, max-age=0, must-revalidate"
#: A page differs between people with a session and without one, so no shared cache may keep it.
_OWN_PAGE = "private, no-cache"
#: Pages load everything from this host, and run no inline script and no inline style.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)

api = Api(Hum(), "portal", tag="Documentation")


def show_page(
    template: str, *, title: str, status: int = 200, policy: str = PAGE_POLICY, **values: Any
) -> Response[Any]:
    """Returns a page made from a template of `pages/`."""
    request = api.exchange.request
    html = templates.render_page(
        template, request.path, title=title, has_session=request.cookie(COOKIE) is not None, **values
    )
    headers = {
        "Cache-Control": _OWN_PAGE,
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
        "Vary": "Cookie",
    }
    return Response(status, "text/html; charset=utf-8", html, headers)


def send_file(file: File, cache_control: str) -> Response[str]:
    """Returns a file, or 304 if the client has it."""
    tag = f'"{file.digest}"'
    headers = {"Cache-Control": cache_control, "ETag": tag}
    if tag in (api.exchange.request.headers.get("if-none-match") or ""):
        return Response(304, None, "", headers)
    return Response(200, file.media_type, file.text, headers)


def redirect_to(place: str) -> Response[Any]:
    """Returns a redirect to a path below the home page."""
    return Response(302, headers={"Location": relative_root(api.exchange.request.path) + place})
