"""An admin subscribes and manages the subscription on the simulator's pages, in a browser, against the whole stack."""

from __future__ import annotations

import re
import secrets
from typing import Any

from playwright.sync_api import Page

from tests.conftest import Stack
from tests.integration.browser import Browser
from tests.integration.conftest import wait_until
from tests.integration.test_console import fetch_in_page, sign_in

#: The words of the browser for something that a page's policy blocks.
_POLICY = "Content Security Policy"


def test_an_admin_subscribes_changes_the_plan_and_cancels(browser: Browser, stack: Stack) -> None:
    url = stack.url.replace("127.0.0.1", "localhost")

    def use_pages(page: Page) -> None:
        sign_in(page, f"{url}/auth/login", f"{secrets.token_hex(6)}@example.com")
        assert fetch_in_page(page, "POST", "/api/orgs", {"name": "Lakeside"})[0] == 201

        def summary() -> dict[str, Any]:
            status, found = fetch_in_page(page, "GET", "/api/billing")
            assert status == 200, found
            return found

        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if _POLICY in message.text else None)
        order = {"plan": "starter", "successUrl": f"{url}/api/me?session={{CHECKOUT_SESSION_ID}}"}
        status, made = fetch_in_page(page, "POST", "/api/billing/checkout", order)
        assert status == 200, made
        page.goto(made["url"])
        page.get_by_role("button", name="Pay with a failing card").click()
        page.get_by_role("alert").wait_for()
        page.get_by_label("Notifications arrive").select_option("reversed")
        page.get_by_role("button", name="Pay", exact=True).click()
        page.wait_for_url(re.compile(r"/api/me\?session=cs_test_"))
        wait_until(lambda: (summary()["plan"], summary()["status"]) == ("starter", "active"))

        page.goto(fetch_in_page(page, "POST", "/api/billing/portal")[1]["url"])
        page.get_by_label("Plan", exact=True).select_option("scale")
        page.get_by_role("button", name="Change plan").click()
        page.get_by_text("The plan scale is active").wait_for()
        page.get_by_role("button", name="Cancel at the period's end").click()
        page.get_by_role("button", name="Resume").wait_for()
        assert page.get_by_role("row").count() == 3, "two invoices below the head"
        portal = page.url
        page.goto(f"{url}/api/me")
        wait_until(lambda: (summary()["plan"], summary()["cancel_at_period_end"]) == ("scale", True))
        page.goto(portal)
        page.get_by_role("button", name="End the subscription now").click()
        page.get_by_text("There is no subscription.").wait_for()
        page.goto(f"{url}/api/me")
        wait_until(lambda: (summary()["plan"], summary()["status"]) == ("free", "canceled"))
        assert not problems, "the policy of the pages blocks nothing that they use"

    browser.run(use_pages)
