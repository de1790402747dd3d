"""The pages in a browser, against the whole stack: content, keyboard, small screens, colors, policy, accessibility."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from infra import guides
from tests.conftest import Stack
from tests.integration import axe
from tests.integration.browser import Browser
from tests.integration.conftest import wait_until

_PUBLIC = (
    *("/", "/docs", "/docs/widget-demo", "/errors", "/errors/rate-limit", "/errors/flow-in-use", "/signed-out"),
    *(f"/docs/guides/{name}" for name in guides.SOURCES),
)
_FAILED = "/sign-in-failed?reason=sign_in_expired&request_id=req_1"
_OWN = ("/console", "/console/webhooks", "/console/events", "/local/mail")
_PHONE, _DESK = {"width": 375, "height": 800}, {"width": 1280, "height": 800}

_SEND_MAIL = """
async ([subject, bodyHtml]) => {
  const {anima} = await fetch('/local/keys').then((answer) => answer.json());
  const headers = {Authorization: `Bearer ${anima.agent}`, 'Content-Type': 'application/json'};
  const body = JSON.stringify({to: 'you@example.com', subject, body: 'See https://example.com/x', bodyHtml});
  return fetch('/v1/email/send', {method: 'POST', headers, body}).then(({status}) => status);
}
"""


@pytest.fixture
def url(stack: Stack) -> str:
    return stack.url.replace("127.0.0.1", "localhost")


@contextmanager
def without_problems(page: Page) -> Iterator[None]:
    """Fails if the page writes an error to the console, or loads anything from another host."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda sent: None if "//localhost:" in sent.url else problems.append(sent.url))
    yield
    assert not problems


def sign_in(page: Page, url: str, who: str) -> None:
    """Signs a person in. The console is the first page."""
    page.goto(f"{url}/auth/login")
    page.get_by_label("Email address").fill(who)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")


def unused_address() -> str:
    """An unused address."""
    return f"{secrets.token_hex(6)}@example.com"


def open_page(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Loading …")).to_have_count(0)


def require_good_page(page: Page, address: str) -> None:
    """Opens a page on a desk and on a phone, light and dark, and looks for faults."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size in (_DESK, _PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            open_page(page, address)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{address} scrolls sideways: {width} px"
        assert not axe.find_faults(page), address


def test_public_pages_have_no_faults(url: str, browser: Browser) -> None:
    def visit(page: Page) -> None:
        with without_problems(page):
            for path in (*_PUBLIC, _FAILED):
                require_good_page(page, url + path)

    browser.run(visit)


def test_pages_of_a_signed_in_person_have_no_faults(url: str, browser: Browser) -> None:
    def visit(page: Page) -> None:
        sign_in(page, url, "ada@demo.example")
        with without_problems(page):
            for path in (*_OWN, "/"):
                require_good_page(page, url + path)

    browser.run(visit)


def test_a_person_without_an_organization_has_a_good_console(url: str, browser: Browser) -> None:
    def visit(page: Page) -> None:
        sign_in(page, url, unused_address())
        with without_problems(page):
            require_good_page(page, f"{url}/console")

    browser.run(visit)


def press_until(page: Page, name: str) -> None:
    """Presses the tab key until the link or button with this name has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"the tab key never reaches {name}")


def test_a_person_signs_in_and_out_by_keyboard_only(url: str, browser: Browser) -> None:
    def visit(page: Page) -> None:
        open_page(page, url)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main", "the first link skips the navigation"
        press_until(page, "Sign in")
        page.keyboard.press("Enter")
        page.get_by_label("Email address").wait_for()
        page.keyboard.type(unused_address())
        page.keyboard.press("Enter")
        page.wait_for_url("**/console")
        page.get_by_role("heading", name="Create your organization").wait_for()
        while page.evaluate("document.activeElement.id") != "name":
            page.keyboard.press("Tab")
        page.keyboard.type("Lakeside Clinic")
        page.keyboard.press("Enter")
        page.get_by_text("An admin can do everything").wait_for()
        press_until(page, "Sign out")
        page.keyboard.press("Enter")
        page.wait_for_url("**/signed-out")
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        page.goto(f"{url}/console")
        # The issuer has ended its session too, and asks who signs in.
        page.get_by_label("Email address").wait_for()

    browser.run(visit)


def test_a_sign_in_without_a_name_keeps_the_known_name(url: str, browser: Browser) -> None:
    def visit(page: Page) -> None:
        sign_in(page, url, "ada@demo.example")
        expect(page.get_by_role("heading", level=1)).to_have_text("Ada")
        expect(page.locator("#who")).to_contain_text("Ada")

    browser.run(visit)


def test_an_invited_person_accepts_in_the_console_and_switches(url: str, browser: Browser) -> None:
    invited = unused_address()

    def invite(page: Page) -> None:
        sign_in(page, url, unused_address())
        page.get_by_label("Name").fill("Harbor")
        page.get_by_role("button", name="Create the organization").click()
        page.get_by_text("An admin can do everything").wait_for()
        sent = page.evaluate(
            "to => fetch('/api/team/invites', {method: 'POST', headers: {'Content-Type': 'application/json'},"
            " body: JSON.stringify({email: to, role: 'viewer'})}).then((answer) => answer.status)",
            invited,
        )
        assert sent == 200

    def accept(page: Page) -> None:
        sign_in(page, url, invited)
        page.get_by_label("Name").fill("Hill")
        page.get_by_role("button", name="Create the organization").click()
        # The page loads again: a click before that is lost.
        page.get_by_text("An admin can do everything").wait_for()
        page.get_by_role("button", name="Accept the invite of Harbor").click()
        page.get_by_role("button", name="Switch to Harbor").click()
        page.get_by_text("A viewer can read").wait_for()
        page.goto(f"{url}/console/webhooks")
        page.get_by_text("Your role cannot see webhooks").wait_for()

    browser.run(invite)
    browser.run(accept)


@pytest.mark.parametrize(
    ("base", "documentation"),
    [("/v1", "anima"), ("/functions/v1", "opticomm"), ("/api/external/v1", "athos"), ("/api", "hum")],
)
def test_the_base_path_of_an_api_leads_people_to_its_documentation(
    url: str, browser: Browser, base: str, documentation: str
) -> None:
    def visit(page: Page) -> str:
        page.goto(url + base)
        return page.url

    assert browser.run(visit) == f"{url}/docs/{documentation}"


def test_a_failed_callback_is_a_page_with_a_reason_and_a_way_on(url: str, browser: Browser) -> None:
    def visit(page: Page) -> None:
        with without_problems(page):
            page.goto(f"{url}/auth/callback?state=old&code=old")
            expect(page.get_by_role("alert")).to_contain_text("This sign-in is over")
            page.get_by_role("main").get_by_role("link", name="Sign in again").click()
            page.get_by_label("Email address").wait_for()

    browser.run(visit)


def test_the_commands_of_the_home_page_have_the_demo_keys(url: str, browser: Browser) -> None:
    def visit(page: Page) -> None:
        open_page(page, url)
        page.get_by_text("The local stack works").wait_for()
        shown = page.locator("#local").inner_text()
        keys: dict[str, Any] = page.evaluate("fetch('/local/keys').then((answer) => answer.json())")
        assert all(key in shown for key in (keys["anima"]["agent"], keys["opticomm"]["test"], keys["athos"]["key"]))

    browser.run(visit)


def test_a_sent_mail_appears_and_its_html_runs_no_script(url: str, browser: Browser) -> None:
    subject = f"Hello {secrets.token_hex(4)}"
    body = "<p>From <b>an agent</b>. <a href='https://example.com/x'>A link</a></p><script>parent.run = 1</script>"

    def visit(page: Page) -> None:
        open_page(page, f"{url}/local/mail")
        sent = page.evaluate(_SEND_MAIL, [subject, body])
        assert 200 <= sent < 300
        page.get_by_role("link", name=subject).click(timeout=30_000)
        expect(page.get_by_role("heading", name=subject)).to_be_visible()
        expect(page.locator("#mail dl").first).to_contain_text("you@example.com")
        assert not axe.find_faults(page)
        expect(page.locator("#mail iframe")).to_have_attribute("sandbox", re.compile("^(?!.*allow-scripts)"))
        wait_until(lambda: page.frame_locator("#mail iframe").get_by_text("an agent").is_visible())
        page.get_by_text("As text").click()
        expect(page.locator("#mail").get_by_role("link", name="https://example.com/x")).to_be_visible()
        assert page.evaluate("window.run") is None

    browser.run(visit)


def test_events_appear_live_and_wait_while_the_page_is_paused(url: str, browser: Browser) -> None:
    def invite(page: Page) -> None:
        """Causes an event: the organization invites somebody."""
        sent = page.evaluate(
            "to => fetch('/api/team/invites', {method: 'POST', headers: {'Content-Type': 'application/json'},"
            " body: JSON.stringify({email: to})}).then((answer) => answer.status)",
            unused_address(),
        )
        assert sent == 200

    def visit(page: Page) -> None:
        sign_in(page, url, unused_address())
        page.get_by_label("Name").fill("Lighthouse")
        page.get_by_role("button", name="Create the organization").click()
        page.get_by_text("An admin can do everything").wait_for()
        page.goto(f"{url}/console/events")
        page.get_by_text("Live", exact=True).wait_for(timeout=30_000)
        invite(page)
        events = page.locator("#events details")
        expect(events.first).to_be_visible(timeout=30_000)
        events.first.locator("summary").click()
        expect(events.first.locator("dt").first).to_be_visible()
        events.first.locator("summary").click()
        page.get_by_role("button", name="Pause").click()
        shown = events.count()
        invite(page)
        expect(page.locator("#count")).to_contain_text("waiting", timeout=30_000)
        assert events.count() == shown
        page.get_by_role("button", name="Continue").click()
        wait_until(lambda: events.count() > shown)
        page.get_by_label("Type begins with").fill("voice.")
        expect(events.first).to_be_hidden()

    browser.run(visit)


def test_a_viewer_is_told_why_there_are_no_events(url: str, browser: Browser) -> None:
    def visit(page: Page) -> None:
        sign_in(page, url, "vic@demo.example")
        page.goto(f"{url}/console/events")
        page.get_by_text("Your role cannot see events").wait_for()

    browser.run(visit)
