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
from tests.integration.conftest import until

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


def address() -> str:
    """An address that nobody has used."""
    return f"{secrets.token_hex(6)}@example.com"


def sign_in(page: Page, start: str, who: str) -> None:
    """Go where one signs in, fill the issuer's page in, and come back."""
    page.goto(start)
    page.get_by_label("Email address").fill(who)
    page.get_by_label("Name").fill(who.partition("@")[0])
    page.get_by_role("button", name="Sign in").click()
    # The link of an invite comes back with the invite in its query.
    page.wait_for_url(re.compile(r"/api/me(\?invite=inv_\w+)?$"))


def ask(page: Page, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """What the page's own script is answered."""
    status, answer = page.evaluate(_ASK, [method, path, body])
    return status, answer


def letter_to(stack: Stack, who: str) -> str | None:
    """The text of the mail that somebody got."""
    for path in (stack.home / "mail").glob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        if mail["to"] == who:
            part = mail.get_body(("plain",))
            return str(part.get_content()) if part else None
    return None


def test_a_person_founds_an_organization_and_a_colleague_joins_as_a_viewer(
    stack: Stack, url: str, browser: Browser
) -> None:
    ada, grace = address(), address()

    def found(page: Page) -> str:
        sign_in(page, f"{url}/auth/login", ada)
        assert ask(page, "GET", "/api/me")[1]["org"] is None
        assert ask(page, "GET", "/api/team")[1]["code"] == "no_organization"
        status, made = ask(page, "POST", "/api/orgs", {"name": "Lakeside Clinic"})
        assert status == 201
        me = ask(page, "GET", "/api/me")[1]
        assert (me["org"]["id"], me["role"]) == (made["id"], "admin")
        assert ask(page, "POST", "/api/team/invites", {"email": grace, "role": "viewer"})[0] == 200
        return str(made["id"])

    org_id = browser.run(found)
    letter = until(lambda: letter_to(stack, grace))
    assert "invites you to work with Lakeside Clinic on Switchboard, as a viewer" in letter
    (link,) = re.findall(rf"{url}\S+", letter)

    def join(page: Page) -> str:
        sign_in(page, link, grace)
        me = ask(page, "GET", "/api/me")[1]
        assert (me["org"]["id"], me["role"]) == (org_id, "viewer")
        assert ask(page, "GET", "/api/contacts")[0] == 200
        for method, path, body in (
            ("POST", "/api/contacts", {"e164": "+14155550142"}),
            ("POST", "/api/blocklist", {"e164": "+14155550142"}),
            ("POST", "/api/team/invites", {"email": address()}),
            ("PATCH", "/api/orgs/current", {"name": "Mine"}),
            ("DELETE", f"/api/team/members/{me['user']['id']}", None),
        ):
            status, refusal = ask(page, method, path, body)
            assert (status, refusal["code"]) == (403, "insufficient_role")
        page.goto(f"{url}/auth/logout")
        page.wait_for_url("**/api/me")
        assert ask(page, "GET", "/api/me")[0] == 401
        return str(me["user"]["id"])

    colleague = browser.run(join)

    def dismiss(page: Page) -> list[str]:
        sign_in(page, f"{url}/auth/login", ada)
        assert ask(page, "DELETE", f"/api/team/members/{colleague}")[0] == 200
        return [one["name"] for one in ask(page, "GET", "/api/team")[1]["members"]]

    assert browser.run(dismiss) == [ada.partition("@")[0]]


def test_a_person_who_belongs_somewhere_is_asked_before_they_join(stack: Stack, url: str, browser: Browser) -> None:
    ada, grace = address(), address()

    def found(page: Page, who: str, *invited: str) -> str:
        sign_in(page, f"{url}/auth/login", who)
        org_id = str(ask(page, "POST", "/api/orgs", {"name": "Clinic"})[1]["id"])
        assert all(ask(page, "POST", "/api/team/invites", {"email": one})[0] == 200 for one in invited)
        return org_id

    of_ada = browser.run(lambda page: found(page, ada, grace))
    (link,) = re.findall(rf"{url}\S+", until(lambda: letter_to(stack, grace)))

    def choose(page: Page) -> None:
        own = found(page, grace)
        page.goto(link)  # the issuer knows who it is, and asks nothing
        me = ask(page, "GET", "/api/me")[1]
        assert ([one["id"] for one in me["orgs"]], me["invite_count"]) == ([own], 1)
        assert ask(page, "POST", f"/api/invites/{me['invites'][0]['id']}/accept")[1]["org"]["id"] == of_ada
        me = ask(page, "GET", "/api/me")[1]
        assert (me["org"]["id"], {one["id"] for one in me["orgs"]}) == (own, {own, of_ada})
        assert ask(page, "POST", "/api/session/org", {"org_id": of_ada})[0] == 200
        assert ask(page, "POST", "/api/team/leave")[0] == 200
        assert [one["id"] for one in ask(page, "GET", "/api/me")[1]["orgs"]] == [own]

    browser.run(choose)


def test_a_page_of_another_origin_cannot_act_for_whoever_is_signed_in(url: str, browser: Browser, stack: Stack) -> None:
    def visit(page: Page) -> tuple[str, dict[str, Any]]:
        sign_in(page, f"{url}/auth/login", address())
        # The issuer's pages are of the same site: the browser sends our cookie along from there.
        page.goto(f"{_issuer(stack)}/.well-known/openid-configuration")
        read = page.evaluate(_FROM_ELSEWHERE, [f"{url}/api/orgs", {"name": "Not wanted"}])
        page.goto(f"{url}/api/me")
        return read, ask(page, "GET", "/api/me")[1]

    read, me = browser.run(visit)
    assert read == "not read"
    assert me["orgs"] == []


def _issuer(stack: Stack) -> str:
    return str(json.loads((stack.home / "environ.json").read_text())["SWITCHBOARD_OIDC_ISSUER"])


def test_a_session_cookie_is_no_scripts_business(url: str, browser: Browser) -> None:
    def visit(page: Page) -> tuple[str, list[str]]:
        sign_in(page, f"{url}/auth/login", address())
        return str(page.evaluate("document.cookie")), [str(one["name"]) for one in page.context.cookies()]

    seen, held = browser.run(visit)
    assert "bh_hum" not in seen
    assert "bh_hum_session" in held
