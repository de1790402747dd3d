"""Two colleagues at the console, in a browser, against the whole stack: sign-in, onboarding, invite, role, the end."""

from __future__ import annotations

import email
import json
import re
import secrets
from email import policy
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.conftest import Stack
from tests.integration.browser import Browser
from tests.integration.conftest import wait_until

_ASK = """
async ([method, path, body]) => {
  const headers = body ? {'Content-Type': 'application/json'} : {};
  const answer = await fetch(path, {method, headers, body: body && JSON.stringify(body)});
  return [answer.status, await answer.json()];
}
"""
_FROM_ELSEWHERE = """
async ([url, body]) => {
  const sent = {method: 'POST', credentials: 'include', body: JSON.stringify(body)};
  await fetch(url, {...sent, mode: 'no-cors'});
  const json = {'Content-Type': 'application/json'};
  return await fetch(url, {...sent, headers: json}).then(() => 'read', () => 'not read');
}
"""


@pytest.fixture
def url(stack: Stack) -> str:
    return stack.url.replace("127.0.0.1", "localhost")


def unused_address() -> str:
    """An unused address."""
    return f"{secrets.token_hex(6)}@example.com"


def sign_in(page: Page, start: str, who: str) -> None:
    """Open the sign-in page, fill in the issuer's form, and return to the console."""
    page.goto(start)
    page.get_by_label("Email address").fill(who)
    page.get_by_label("Name").fill(who.partition("@")[0])
    page.get_by_role("button", name="Sign in").click()
    # The link of an invite comes back with the invite in its query.
    page.wait_for_url(re.compile(r"/console(\?invite=inv_\w+)?$"))


def fetch_in_page(page: Page, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """The response to a script of the page."""
    status, answer = page.evaluate(_ASK, [method, path, body])
    return status, answer


def letter_to(stack: Stack, who: str) -> str | None:
    """The text of the mail to an address."""
    for path in (stack.home / "mail").glob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        if mail["to"] == who:
            part = mail.get_body(("plain",))
            return str(part.get_content()) if part else None
    return None


def test_a_person_creates_an_organization_and_a_colleague_joins_as_a_viewer(
    stack: Stack, url: str, browser: Browser
) -> None:
    ada, grace = unused_address(), unused_address()

    def found(page: Page) -> str:
        sign_in(page, f"{url}/auth/login", ada)
        assert fetch_in_page(page, "GET", "/api/me")[1]["org"] is None
        assert fetch_in_page(page, "GET", "/api/team")[1]["code"] == "no_organization"
        status, made = fetch_in_page(page, "POST", "/api/orgs", {"name": "Lakeside Clinic"})
        assert status == 201
        me = fetch_in_page(page, "GET", "/api/me")[1]
        assert (me["org"]["id"], me["role"]) == (made["id"], "admin")
        assert fetch_in_page(page, "POST", "/api/team/invites", {"email": grace, "role": "viewer"})[0] == 200
        return str(made["id"])

    org_id = browser.run(found)
    letter = wait_until(lambda: letter_to(stack, grace))
    assert "invites you to work with Lakeside Clinic on Switchboard, as a viewer" in letter
    (link,) = re.findall(rf"{url}\S+", letter)

    def join(page: Page) -> str:
        sign_in(page, link, grace)
        me = fetch_in_page(page, "GET", "/api/me")[1]
        assert (me["org"]["id"], me["role"]) == (org_id, "viewer")
        assert fetch_in_page(page, "GET", "/api/contacts")[0] == 200
        for method, path, body in (
            ("POST", "/api/contacts", {"e164": "+14155550142"}),
            ("POST", "/api/blocklist", {"e164": "+14155550142"}),
            ("POST", "/api/team/invites", {"email": unused_address()}),
            ("PATCH", "/api/orgs/current", {"name": "Mine"}),
            ("DELETE", f"/api/team/members/{me['user']['id']}", None),
        ):
            status, refusal = fetch_in_page(page, method, path, body)
            assert (status, refusal["code"]) == (403, "insufficient_role")
        page.goto(f"{url}/auth/logout")
        page.wait_for_url("**/signed-out")
        assert fetch_in_page(page, "GET", "/api/me")[0] == 401
        return str(me["user"]["id"])

    colleague = browser.run(join)

    def dismiss(page: Page) -> list[str]:
        sign_in(page, f"{url}/auth/login", ada)
        assert fetch_in_page(page, "DELETE", f"/api/team/members/{colleague}")[0] == 200
        return [one["name"] for one in fetch_in_page(page, "GET", "/api/team")[1]["members"]]

    assert browser.run(dismiss) == [ada.partition("@")[0]]


def test_a_person_with_an_organization_is_asked_before_joining_another(
    stack: Stack, url: str, browser: Browser
) -> None:
    ada, grace = unused_address(), unused_address()

    def found(page: Page, who: str, *invited: str) -> str:
        sign_in(page, f"{url}/auth/login", who)
        org_id = str(fetch_in_page(page, "POST", "/api/orgs", {"name": "Clinic"})[1]["id"])
        assert all(fetch_in_page(page, "POST", "/api/team/invites", {"email": one})[0] == 200 for one in invited)
        return org_id

    of_ada = browser.run(lambda page: found(page, ada, grace))
    (link,) = re.findall(rf"{url}\S+", wait_until(lambda: letter_to(stack, grace)))

    def choose(page: Page) -> None:
        own = found(page, grace)
        page.goto(link)  # the issuer still has a session and asks for nothing
        me = fetch_in_page(page, "GET", "/api/me")[1]
        assert ([one["id"] for one in me["orgs"]], me["invite_count"]) == ([own], 1)
        assert fetch_in_page(page, "POST", f"/api/invites/{me['invites'][0]['id']}/accept")[1]["org"]["id"] == of_ada
        me = fetch_in_page(page, "GET", "/api/me")[1]
        assert (me["org"]["id"], {one["id"] for one in me["orgs"]}) == (own, {own, of_ada})
        assert fetch_in_page(page, "POST", "/api/session/org", {"org_id": of_ada})[0] == 200
        assert fetch_in_page(page, "POST", "/api/team/leave")[0] == 200
        assert [one["id"] for one in fetch_in_page(page, "GET", "/api/me")[1]["orgs"]] == [own]

    browser.run(choose)


def test_a_page_of_another_origin_cannot_act_for_a_signed_in_person(url: str, browser: Browser, stack: Stack) -> None:
    def visit(page: Page) -> tuple[str, dict[str, Any]]:
        sign_in(page, f"{url}/auth/login", unused_address())
        # The issuer's pages belong to the same site: the browser sends our cookie with their requests.
        page.goto(f"{_issuer(stack)}/.well-known/openid-configuration")
        read = page.evaluate(_FROM_ELSEWHERE, [f"{url}/api/orgs", {"name": "Not wanted"}])
        page.goto(f"{url}/api/me")
        return read, fetch_in_page(page, "GET", "/api/me")[1]

    read, me = browser.run(visit)
    assert read == "not read"
    assert me["orgs"] == []


def _issuer(stack: Stack) -> str:
    return str(json.loads((stack.home / "environ.json").read_text())["SWITCHBOARD_OIDC_ISSUER"])


def test_a_script_cannot_read_the_session_cookie(url: str, browser: Browser) -> None:
    def visit(page: Page) -> tuple[str, list[str]]:
        sign_in(page, f"{url}/auth/login", unused_address())
        return str(page.evaluate("document.cookie")), [str(one["name"]) for one in page.context.cookies()]

    seen, held = browser.run(visit)
    assert "bh_hum" not in seen
    assert "bh_hum_session" in held
