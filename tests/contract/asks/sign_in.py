"""Requests of operations that need no session."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from tests.contract import signing_in
from tests.contract.console import Console
from tests.contract.world import Ask


def _finish(org: Console) -> Ask:
    """The redirect back from the provider, with the cookie of the browser that began."""
    with signing_in.open_browser(str(org.http.base_url)) as browser:
        answer = signing_in.fill_in(browser, signing_in.to_the_form(browser), signing_in.unused_address())
        place = urlsplit(answer.headers["location"])
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar if cookie.path == "/auth")
    query = {name: value for name, value in parse_qsl(place.query) if name in ("state", "code")}
    return Ask("GET", place.path, query=query, headers={"Cookie": cookies})


PUBLIC = {
    "getHealth": lambda _: Ask("GET", "/api/health"),
    "startLogin": lambda _: Ask("GET", "/auth/login"),
    "finishLogin": _finish,
    "logout": lambda _: Ask("GET", "/auth/logout"),
}
