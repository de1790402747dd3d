"""People who open the base path of an API in a browser are sent to its documentation. API clients get their error."""

from __future__ import annotations

from http import HTTPStatus

from switchboard.edge.exchange import Exchange, Reply, Request
from switchboard.errors import DomainError


def is_opened_by_person(request: Request) -> bool:
    """Whether a person opened the address in a browser: browsers ask for HTML, and API clients do not."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def relative_root(path: str) -> str:
    """Returns the relative link from a path to the home page. It also works below the path of a stage."""
    return "../" * (path.count("/") - 1) or "./"


def redirect_to_documentation(exchange: Exchange, error: DomainError) -> Reply | None:
    """Returns a redirect to the API's documentation, or `None` if the request gets its error."""
    request, landing_path = exchange.request, exchange.dialect.landing_path
    if error.code != "unknown_path" or landing_path is None or request.path.rstrip("/") != landing_path:
        return None
    # Without a domain the base path is not part of the path, and this address has no documentation.
    if not request.event["path"].startswith(landing_path) or not is_opened_by_person(request):
        return None
    if {"authorization", "x-api-key"} & request.headers.keys():
        return None
    place = f"{relative_root(request.path)}docs/{exchange.dialect.name}"
    return Reply(HTTPStatus.FOUND, headers={"location": place, "vary": "Accept"})
