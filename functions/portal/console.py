"""`/console`: the pages for a signed-in person."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from functions.portal.site import api, redirect_to, show_page
from switchboard.dialects.hum.dialect import COOKIE

#: The statuses of a delivery, as HUM names them.
_DELIVERY_STATUSES = ("pending", "succeeded", "failed", "canceled")


@api.get("/console", summary="Get the console's first page", operation_id="consolePage", public=True)
def show_console() -> Response[Any]:
    return _show_own_page("console.html", "Console")


@api.get("/console/webhooks", summary="Get the page of webhooks", operation_id="webhooksPage", public=True)
def show_webhooks() -> Response[Any]:
    return _show_own_page("webhooks.html", "Webhooks", statuses=_DELIVERY_STATUSES)


@api.get("/console/events", summary="Get the page of live events", operation_id="eventsPage", public=True)
def show_events() -> Response[Any]:
    return _show_own_page("events.html", "Live events")


def _show_own_page(template: str, title: str, **values: Any) -> Response[Any]:
    """Returns a page for signed-in people. A browser without a session goes to the sign-in first."""
    request = api.exchange.request
    if request.cookie(COOKIE) is None:
        wanted = [(name, value) for name, values in request.query_parameters() for value in values]
        back = f"{request.path}?{urlencode(wanted)}" if wanted else request.path
        return redirect_to(f"auth/login?{urlencode({'return_to': back})}")
    return show_page(template, title=title, **values)
