"""Signing in at the local provider as a person: in a browser, with the port's adapter on the other side."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from infra.local import engine
from infra.local import identity as local
from switchboard.carriers import identity
from switchboard.carriers.identity import IdentityClaims, documents
from switchboard.people.return_to import SIGNED_OUT_PATH
from tests.integration.browser import Browser
from tests.integration.conftest import wait_until


class SignIn:
    """One sign-in attempt: its redirect, and the values that only its browser and the platform know."""

    def __init__(self, console: str) -> None:
        self.redirect_uri = f"{console}/auth/callback"
        self.state, self.nonce, self.verifier = (secrets.token_urlsafe(32) for _ in range(3))
        digest = hashlib.sha256(self.verifier.encode()).digest()
        self.url = identity.identity_provider().authorization_url(
            redirect_uri=self.redirect_uri,
            state=self.state,
            nonce=self.nonce,
            code_challenge=base64.urlsafe_b64encode(digest).decode().rstrip("="),
        )

    def claims(self, callback: dict[str, str]) -> IdentityClaims:
        assert callback["state"] == self.state
        return identity.identity_provider().redeem_code(
            code=callback["code"], redirect_uri=self.redirect_uri, code_verifier=self.verifier, nonce=self.nonce
        )


class _Welcome(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"The console")

    def log_message(self, *_: object) -> None:
        """Disable the server's log."""


@pytest.fixture
def console() -> Iterator[str]:
    """Stands for the console: the redirect URL of sign-ins."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Welcome) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def start(console: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], local.Identity]]:
    """Starts the provider alone, on a port, and sets it as the issuer."""
    started: list[local.Identity] = []

    def start(port: int) -> local.Identity:
        running = local.start(port=port, console_url=console, log=tmp_path / "identity.log")
        started.append(running)
        for name, value in (running.environ() | {"SWITCHBOARD_OUTBOUND_LOOPBACK": "on"}).items():
            monkeypatch.setenv(name, value)
        running.wait_until_ready()
        return running

    yield start
    for running in started:
        running.stop()
    documents.clear_cache()


@pytest.fixture
def provider(start: Callable[[int], local.Identity]) -> local.Identity:
    return start(engine.free_port())


def wait_for_return(page: Page, attempt: SignIn) -> dict[str, str]:
    """The query of the browser's return to the console."""
    page.wait_for_url(f"{attempt.redirect_uri}?*")
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def sign_in(page: Page, attempt: SignIn, email: str, name: str, *, verified: bool = True) -> dict[str, str]:
    """Open the provider, fill in its page, and return."""
    page.goto(attempt.url)
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Name").fill(name)
    page.get_by_label("not verified").set_checked(not verified)
    page.get_by_role("button", name="Sign in").click()
    return wait_for_return(page, attempt)


def test_a_person_signs_in_and_the_code_identifies_them(
    provider: local.Identity, console: str, browser: Browser
) -> None:
    attempt = SignIn(console)
    claims = attempt.claims(browser.run(lambda page: sign_in(page, attempt, "ada@example.com", "Ada <Lovelace>")))
    assert claims.subject == local.subject("ada@example.com")
    assert claims == IdentityClaims(
        issuer=provider.issuer,
        subject=claims.subject,
        email="ada@example.com",
        email_verified=True,
        name="Ada <Lovelace>",
        picture=f"{provider.issuer}/pictures/{claims.subject}.svg",
    )


@pytest.mark.usefixtures("provider")
def test_a_code_works_once_and_for_its_own_sign_in(console: str, browser: Browser) -> None:
    attempt, other = SignIn(console), SignIn(console)
    first = browser.run(lambda page: sign_in(page, attempt, "ada@example.com", "Ada"))
    with pytest.raises(identity.SignInRefusedError):
        other.claims(first | {"state": other.state})
    second = browser.run(lambda page: sign_in(page, attempt, "ada@example.com", "Ada"))
    attempt.claims(second)
    with pytest.raises(identity.SignInRefusedError):
        attempt.claims(second)


def test_an_address_has_the_same_subject_after_a_restart_with_new_keys(
    provider: local.Identity, start: Callable[[int], local.Identity], console: str, browser: Browser
) -> None:
    attempt = SignIn(console)
    before = attempt.claims(browser.run(lambda page: sign_in(page, attempt, "ada@example.com", "Ada")))
    provider.stop()
    start(int(provider.issuer.rpartition(":")[2]))
    callback = browser.run(lambda page: sign_in(page, attempt, "ADA@example.com", "Ada King", verified=False))
    after = attempt.claims(callback)
    assert after.subject == before.subject
    assert (after.name, after.email_verified) == ("Ada King", False)


@pytest.mark.usefixtures("provider")
def test_a_signed_in_person_is_not_asked_again_until_they_sign_out(console: str, browser: Browser) -> None:
    first, second, third = SignIn(console), SignIn(console), SignIn(console)
    home = f"{console}{SIGNED_OUT_PATH}"
    away = identity.identity_provider().end_session_url(return_url=home)
    assert away is not None

    def visit(page: Page) -> tuple[dict[str, str], str, str]:
        sign_in(page, first, "ada@example.com", "Ada")
        page.goto(second.url)
        unasked = wait_for_return(page, second)
        page.goto(away)
        page.wait_for_url(home)
        left = page.content()
        page.goto(third.url)
        return unasked, left, page.title()

    unasked, left, title = browser.run(visit)
    assert unasked["code"]
    assert unasked["state"] == second.state
    assert "The console" in left
    assert title == "Sign in"


def test_the_page_refuses_an_invalid_address_and_keeps_the_input(
    provider: local.Identity, console: str, browser: Browser
) -> None:
    attempt = SignIn(console)

    def visit(page: Page) -> str:
        page.goto(attempt.url)
        page.locator("form").evaluate("form => form.noValidate = true")
        page.get_by_label("Email address").fill('ada"><b>')
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("alert").get_by_text("not an email address").wait_for()
        return page.get_by_label("Email address").input_value()

    assert browser.run(visit) == 'ada"><b>'


def test_the_provider_ends_with_its_parent_even_after_a_kill(tmp_path: Path) -> None:
    port = engine.free_port()
    start = f"local.start(port={port}, console_url='http://localhost:1', log=Path({str(tmp_path / 'log')!r}))"
    code = f"from pathlib import Path; from infra.local import identity as local; {start}.wait_until_ready()"
    code += "; print(); input()"
    starter = subprocess.Popen(
        [sys.executable, "-c", code], cwd=engine.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"\n"
    assert _answers(port)
    starter.kill()
    starter.communicate()
    wait_until(lambda: not _answers(port))


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
