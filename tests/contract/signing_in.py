"""Signing in as a browser does, at the local OpenID provider."""

from __future__ import annotations

import secrets
from urllib.parse import urljoin, urlsplit

import httpx


def open_browser(url: str) -> httpx.Client:
    """A browser with cookies and forms, at the stack's public address. It follows no redirect by itself."""
    return httpx.Client(base_url=url.replace("127.0.0.1", "localhost"), timeout=20)


def follow_redirects(browser: httpx.Client, answer: httpx.Response, until: str) -> httpx.Response:
    """Follow the redirects until one leads to the given place."""
    for _ in range(10):
        place = urljoin(str(answer.request.url), answer.headers["location"])
        if urlsplit(place).path == until:
            return answer
        answer = browser.get(place)
    raise AssertionError(f"never led to {until}")


def to_the_form(browser: httpx.Client, return_to: str | None = None) -> httpx.Response:
    """Begin a sign-in, and arrive at the provider's form."""
    answer = browser.get("/auth/login", params={"return_to": return_to} if return_to is not None else {})
    while answer.is_redirect:
        answer = browser.get(urljoin(str(answer.request.url), answer.headers["location"]))
    assert answer.status_code == 200, answer.text
    return answer


def fill_in(browser: httpx.Client, form: httpx.Response, email: str, **more: str) -> httpx.Response:
    """Send the form. Returns the provider's last response, which redirects to the callback."""
    answer = browser.post(form.request.url, data={"email": email, "name": email.partition("@")[0], **more})
    return follow_redirects(browser, answer, "/auth/callback")


def sign_in(browser: httpx.Client, email: str, return_to: str | None = None, **more: str) -> httpx.Response:
    """Sign in. Returns the response of the callback."""
    return browser.get(fill_in(browser, to_the_form(browser, return_to), email, **more).headers["location"])


def unused_address() -> str:
    """An unused address."""
    return f"{secrets.token_hex(6)}@example.com"
