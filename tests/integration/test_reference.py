"""The reference pages in a browser: search, keys of the tab, and requests to every kind of operation."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from infra import openapi
from tests.conftest import Stack
from tests.integration.browser import Browser

_TITLES = {name: description.title for name, description in openapi.DESCRIPTIONS.items()}
#: The modules of the renderer, and a slow machine.
_PATIENCE_MS = 30_000
_OURS = re.compile("http://localhost:|data:|blob:")


@pytest.fixture
def url(stack: Stack) -> str:
    return stack.url.replace("127.0.0.1", "localhost")


@contextmanager
def no_problems(page: Page) -> Iterator[None]:
    """The console of the page shows no error, also none of its policy, and the page asks no other host."""
    problems: list[str] = []
    page.on("console", lambda one: problems.append(one.text) if one.type in ("error", "warning") else None)
    page.on("pageerror", lambda one: problems.append(str(one)))
    page.on(
        "request",
        lambda one: problems.append(one.url) if not re.match("http://localhost:|data:|blob:", one.url) else None,
    )
    yield
    assert not problems


def open_reference(page: Page, url: str, name: str) -> None:
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(f"{url}/docs/{name}")
    page.get_by_role("heading", name=_TITLES[name], exact=True).wait_for()


def open_operation(page: Page, words: str) -> None:
    """Find an operation with the keyboard."""
    page.get_by_role("button", name="Search").first.click()
    page.keyboard.type(words)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def open_client(page: Page, operation: str) -> Locator:
    """Open the client of an operation, such as `post /v1/email/send`."""
    page.get_by_role("button", name=f"Test Request ({operation})", exact=False).click()
    client = page.get_by_role("dialog")
    client.get_by_role("button", name="Send", exact=False).first.wait_for()
    return client


def send(page: Page, client: Locator, part_of_url: str) -> Any:
    """Press Send, and return the response."""
    with page.expect_response(lambda one: part_of_url in one.url and one.request.method != "OPTIONS") as found:
        client.get_by_role("button", name=re.compile("^Send")).first.click()
    return found.value


@pytest.mark.parametrize("name", _TITLES)
def test_a_reference_opens_without_an_error(browser: Browser, url: str, name: str) -> None:
    def visit(page: Page) -> None:
        with no_problems(page):
            open_reference(page, url, name)
            page.get_by_role("button", name="Search").first.wait_for()

    browser.run(visit)


@pytest.mark.parametrize(
    ("name", "words"), [("anima", "EMAIL"), ("anima", "email"), ("hum", "Calls"), ("hum", "cALLS")]
)
def test_the_search_ignores_the_case(browser: Browser, url: str, name: str, words: str) -> None:
    def visit(page: Page) -> list[str]:
        open_reference(page, url, name)
        page.get_by_role("button", name="Search").first.click()
        page.keyboard.type(words)
        page.get_by_role("option").first.wait_for()
        return page.get_by_role("option").all_inner_texts()

    found = browser.run(visit)
    assert any(words.lower() in text.lower() for text in found), found


def test_a_mail_goes_out_with_the_demo_key_which_the_tab_keeps(browser: Browser, url: str) -> None:
    def visit(page: Page) -> tuple[int, int, str | None]:
        with no_problems(page):
            open_reference(page, url, "anima")
            page.get_by_role("button", name="Use the demo agent key").click()
            page.get_by_text("Requests of this tab use the demo agent key.").wait_for()
            open_operation(page, "send an email")
            client = open_client(page, "post /v1/email/send")
            first = send(page, client, "/v1/email/send").status
            page.reload()
            client = open_client(page, "post /v1/email/send")
            again = send(page, client, "/v1/email/send").status
        other = page.context.new_page()
        other.goto(f"{url}/docs/anima")
        stored: str | None = other.evaluate("JSON.stringify([sessionStorage, localStorage])")
        return first, again, stored

    first, again, stored = browser.run(visit)
    assert (first, again) == (200, 200)
    assert "ak_" not in str(stored)


def test_a_key_that_a_person_enters_stays_for_the_tab_and_can_be_removed(browser: Browser, url: str) -> None:
    key = f"ath_live_{secrets.token_hex(8)}"

    def visit(page: Page) -> tuple[str, str]:
        open_reference(page, url, "athos")
        page.get_by_placeholder("Token").first.fill(key)
        page.keyboard.press("Tab")
        stored = []
        for _ in range(2):
            page.reload()
            page.get_by_role("heading", name=_TITLES["athos"], exact=True).wait_for()
            stored.append(page.evaluate("JSON.stringify(sessionStorage)"))
        return stored[0], stored[1]

    assert all(key in stored for stored in browser.run(visit))


def test_a_call_of_the_demo_caller_starts_with_an_id_that_exists(browser: Browser, url: str) -> None:
    def visit(page: Page) -> tuple[int, Any]:
        open_reference(page, url, "opticomm")
        page.get_by_role("button", name="Use the demo test key").click()
        open_operation(page, "start a call")
        client = open_client(page, "post /functions/v1/external-api")
        answer = send(page, client, "/functions/v1/external-api")
        return answer.status, answer.json()

    status, body = browser.run(visit)
    assert status == 200, body


def test_the_console_api_uses_the_session_of_the_browser(browser: Browser, url: str) -> None:
    def visit(page: Page) -> int:
        open_reference(page, url, "hum")
        page.get_by_role("link", name="Sign in and return").click()
        page.get_by_label("Email address").fill("ada@demo.example")
        page.get_by_label("Name").fill("Ada")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/docs/hum"))
        page.get_by_text("Requests of this page use your session").wait_for()
        assert page.get_by_text("bh_hum_session=").count() == 0, "no box for the cookie"
        open_operation(page, "get the signed-in person")
        client = open_client(page, "get /api/me")
        status: int = send(page, client, "/api/me").status
        return status

    assert browser.run(visit) == 200


def test_a_live_stream_shows_its_events(browser: Browser, url: str) -> None:
    def visit(page: Page) -> None:
        open_reference(page, url, "anima")
        page.get_by_role("button", name="Use the demo agent key").click()
        open_operation(page, "stream events live")
        client = open_client(page, "get /v1/events/stream")
        client.get_by_role("button", name=re.compile("^Send")).first.click()
        client.get_by_text("retry:").wait_for()
        key = page.request.get(f"{url}/local/keys").json()["anima"]["agent"]
        mail = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}
        sent = page.request.post(f"{url}/v1/email/send", headers={"Authorization": f"Bearer {key}"}, data=mail)
        assert sent.ok, sent.text()
        client.get_by_text("data:").first.wait_for()

    browser.run(visit)
