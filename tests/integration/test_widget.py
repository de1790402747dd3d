"""The widget on pages of two origins, in a browser, against the whole stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from switchboard.carriers.captcha.simulator import TEST_TOKEN
from tests.conftest import Stack
from tests.integration.browser import Browser

#: The strictest policy under which the widget works, as docs/widgets.md has it.
POLICY = (
    "default-src 'none'; script-src {api} https://challenges.cloudflare.com; connect-src {api};"
    " frame-src https://challenges.cloudflare.com; require-trusted-types-for 'script'"
)
_PAGE = '<!doctype html><html lang="en"><title>Shop</title><body><a href="#">Shop</a>{script}</body></html>'
_SCRIPT = '<script src="{api}/widget.js" data-key="{key}" data-label="Ask the shop" async></script>'
_FORM = [
    {"name": "name", "label": "Your name", "required": True},
    {"name": "email", "label": "Mail", "type": "email"},
    {"name": "phone", "label": "Telephone", "type": "tel"},
    {"name": "notes", "label": "Question", "type": "textarea"},
]
_WORDS = {
    "notice": "You will talk with the artificial voice of the shop.",
    "consent_text": "The shop may call me.",
    "privacy_url": "https://shop.example/privacy",
}
_READ = "([url, key]) => fetch(url, {headers: {Authorization: `Bearer ${key}`}}).then(() => 'read', () => 'not')"
#: Stands for Turnstile's script, which the test does not load from the internet.
_TURNSTILE = """
window.turnstile = {
  render: (box, options) => {
    box.textContent = `captcha ${options.sitekey} ${options.action}`;
    return "captcha-1";
  },
  getResponse: () => "%s",
  reset: () => {},
};
"""


class Shop:
    """The site of a partner: one page with the widget, whose policy allows the API and nothing else."""

    def __init__(self, api: str) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.page.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", site.policy)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self.api, self.page, self.policy = api, "", POLICY.format(api=api)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"

    @contextmanager
    def opened(self) -> Iterator[Shop]:
        """Serve the page."""
        Thread(target=self.server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()

    def show(self, key: str) -> None:
        """Put the widget of a key on the page."""
        self.page = _PAGE.format(script=_SCRIPT.format(api=self.api, key=key))


@pytest.fixture
def shops(stack: Stack) -> Iterator[tuple[Shop, Shop]]:
    """The sites of two origins. The token allows the first."""
    with ExitStack() as running:
        yield (
            running.enter_context(Shop(stack.url).opened()),
            running.enter_context(Shop(stack.url).opened()),
        )


@pytest.fixture
def admin(stack: Stack) -> Iterator[httpx.Client]:
    cookie = {"Cookie": f"bh_hum_session={stack.keys['HUM_SESSION']}"}
    with httpx.Client(base_url=f"{stack.url}/api", headers=cookie, timeout=20) as client:
        yield client


def make_token(admin: httpx.Client, origin: str, **settings: Any) -> dict[str, Any]:
    """Create a token of the demo organization, with a flow that talks."""
    flow = admin.post("/flows", json={"name": "Shop desk", "kind": "inbound", "greeting": "Welcome, {{name}}."})
    assert flow.is_success, flow.text
    wanted = {
        "name": "Shop assistant",
        "default_flow_id": flow.json()["id"],
        "allowed_origins": [origin],
        "captcha_provider": "none",
        "per_ip_rate_per_min": 60,
        "lead_fields": _FORM,
    }
    made = admin.post("/widget-tokens", json=wanted | settings)
    assert made.is_success, made.text
    token: dict[str, Any] = made.json()
    return token


def collect_problems(page: Page) -> list[str]:
    """The errors that the page will report, violations of its policy among them."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_a_visitor_talks_and_leaves_a_lead(admin: httpx.Client, shops: tuple[Shop, Shop], browser: Browser) -> None:
    shop, _ = shops
    token = make_token(admin, shop.origin, **_WORDS)
    shop.show(token["public_key"])

    def visit(page: Page) -> Any:
        problems = collect_problems(page)
        page.goto(shop.origin)
        page.evaluate(
            "document.addEventListener('switchboard-widget:connection', (event) => { window.joined = event.detail; })"
        )
        page.get_by_role("button", name="Ask the shop").click()
        dialog = page.get_by_role("dialog", name="Shop assistant")
        expect(dialog.get_by_label("Your name")).to_be_focused()
        dialog.get_by_role("button", name="Start the talk").click()
        expect(dialog.get_by_text("Your name is missing.")).to_be_visible()
        expect(dialog.get_by_label("Your name")).to_have_attribute("aria-invalid", "true")
        dialog.get_by_label("Your name").fill("Ada")
        dialog.get_by_label("Mail").fill("not an address")
        dialog.get_by_role("button", name="Start the talk").click()
        expect(dialog.get_by_text("Mail is not a mail address")).to_be_visible()
        dialog.get_by_label("Mail").fill("ada@example.com")
        dialog.get_by_label("Question").fill("Are you open?")
        dialog.get_by_label("Telephone").fill("+14155550142")
        expect(dialog.get_by_text(_WORDS["notice"])).to_be_visible()
        expect(dialog.get_by_role("link", name="Privacy policy")).to_have_attribute("href", _WORDS["privacy_url"])
        expect(dialog.get_by_role("checkbox")).not_to_be_checked()
        dialog.get_by_label(_WORDS["consent_text"]).check()
        dialog.get_by_role("button", name="Start the talk").click()
        log = dialog.get_by_role("log", name="Transcript")
        expect(log).to_contain_text("Shop assistant: This call is recorded. This is an artificial voice. Welcome, Ada.")
        expect(log).to_contain_text("You: Hello.")
        dialog.get_by_role("button", name="End the talk").click()
        expect(dialog.get_by_role("status")).to_have_text("The talk has ended.")
        expect(dialog.get_by_role("button", name="Close")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Ask the shop")).to_be_focused()
        # The browser itself reports the answer 400 to the wrong address.
        assert [one for one in problems if "400" not in one] == []
        return page.evaluate("window.joined")

    joined = browser.run(visit)
    assert set(joined) == {"url", "ticket", "sessionId", "expiresAt"}
    (lead,) = admin.get(f"/widget-tokens/{token['id']}/leads").json()["leads"]
    assert (lead["name"], lead["email"], lead["notes"], lead["origin"]) == (
        "Ada",
        "ada@example.com",
        "Are you open?",
        shop.origin,
    )
    assert (lead["phone"], lead["consent"]["text"]) == ("+14155550142", _WORDS["consent_text"])
    call = admin.get(f"/calls/{lead['call_id']}").json()
    call = call.get("call", call)
    assert (call["status"], call["widget"]["lead_id"]) == ("completed", lead["id"])
    assert admin.delete(f"/widget-tokens/{token['id']}/leads/{lead['id']}").json() == {"ok": True}
    call = admin.get(f"/calls/{lead['call_id']}").json()
    assert call.get("call", call)["widget"]["phone"] is None


def test_a_page_of_another_origin_shows_nothing(
    admin: httpx.Client, shops: tuple[Shop, Shop], browser: Browser
) -> None:
    allowed, other = shops
    token = make_token(admin, allowed.origin)
    other.show(token["public_key"])

    def visit(page: Page) -> int:
        with page.expect_console_message(lambda message: message.text.startswith("widget:")):
            page.goto(other.origin)
        assert (
            page.evaluate(
                _READ,
                [f"{other.api}/api/widget/config", token["public_key"]],
            )
            == "not"
        )
        return page.get_by_role("button").count()

    assert browser.run(visit) == 0


def test_the_widget_works_by_keyboard_alone(admin: httpx.Client, shops: tuple[Shop, Shop], browser: Browser) -> None:
    shop, _ = shops
    shop.show(make_token(admin, shop.origin, lead_fields=_FORM[:1])["public_key"])

    def visit(page: Page) -> None:
        page.emulate_media(reduced_motion="reduce")
        page.goto(shop.origin)
        opener = page.get_by_role("button", name="Ask the shop")
        expect(opener).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        expect(opener).to_be_focused()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Shop assistant")
        name, start, close = (
            dialog.get_by_label("Your name"),
            dialog.get_by_role("button", name="Start the talk"),
            dialog.get_by_role("button", name="Close"),
        )
        # The focus stays inside, in both directions.
        for wanted in (start, close, name, start):
            page.keyboard.press("Tab")
            expect(wanted).to_be_focused()
        for wanted in (name, close):
            page.keyboard.press("Shift+Tab")
            expect(wanted).to_be_focused()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(opener).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.type("Grace")
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("log")).to_contain_text("Welcome, Grace.")
        assert page.evaluate(
            "getComputedStyle(document.querySelector('[data-switchboard-widget]').shadowRoot.querySelector('button'))"
            ".transitionDuration"
        ) in ("0s", "")
        page.keyboard.press("Escape")
        expect(opener).to_be_focused()

    browser.run(visit)


def test_the_captcha_is_part_of_the_form(admin: httpx.Client, shops: tuple[Shop, Shop], browser: Browser) -> None:
    shop, _ = shops
    token = make_token(
        admin,
        shop.origin,
        captcha_provider="turnstile",
        captcha_site_key="0xKEY",
        captcha_secret="0xSECRET",
        lead_fields=[],
    )
    shop.show(token["public_key"])
    # Turnstile's own loader is a script element too, which trusted types would need a policy for.
    shop.policy = shop.policy.partition("; require-trusted")[0]

    def visit(page: Page, answer: str) -> str:
        page.route(
            "https://challenges.cloudflare.com/**",
            lambda route: route.fulfill(content_type="text/javascript", body=_TURNSTILE % answer),
        )
        page.goto(shop.origin)
        page.get_by_role("button", name="Ask the shop").click()
        expect(page.get_by_text("captcha 0xKEY widget_session")).to_be_visible()
        page.get_by_role("button", name="Start the talk").click()
        shown = page.get_by_role("log").or_(page.get_by_role("alert").filter(has_text="captcha"))
        expect(shown.first).to_be_visible()
        return str(shown.first.get_attribute("role"))

    assert browser.run(lambda page: visit(page, TEST_TOKEN)) == "log"
    assert browser.run(lambda page: visit(page, "guess")) == "alert"


def test_a_revoked_token_ends_its_talks(admin: httpx.Client, shops: tuple[Shop, Shop], browser: Browser) -> None:
    shop, _ = shops
    token = make_token(admin, shop.origin, lead_fields=[])
    shop.show(token["public_key"])

    def visit(page: Page) -> None:
        page.goto(shop.origin)
        page.get_by_role("button", name="Ask the shop").click()
        page.get_by_role("button", name="Start the talk").click()
        expect(page.get_by_role("log")).to_contain_text("Welcome")
        assert admin.post(f"/widget-tokens/{token['id']}/revoke").is_success
        expect(page.get_by_role("status")).to_have_text("The talk has ended.")
        page.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Ask the shop").click()
        page.get_by_role("button", name="Start the talk").click()
        expect(page.get_by_role("alert")).to_be_visible()

    browser.run(visit)


def test_the_demo_page_shows_the_widget_of_a_key(admin: httpx.Client, stack: Stack, browser: Browser) -> None:
    # The public address of the local stack.
    url = stack.url.replace("127.0.0.1", "localhost")
    token = make_token(admin, url, lead_fields=[])

    def visit(page: Page) -> None:
        problems = collect_problems(page)
        page.goto(f"{url}/docs/widget-demo?key={token['public_key']}")
        page.get_by_role("button", name="Talk to us").click()
        page.get_by_role("button", name="Start the talk").click()
        expect(page.get_by_role("log")).to_contain_text("Welcome")
        assert problems == []

    browser.run(visit)
