"""Signing in and out over HTTP, at the local OpenID provider."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from tests.conftest import Stack
from tests.contract import console, signing_in
from tests.contract.conftest import inside
from tests.contract.signing_in import fill_in, follow_redirects, sign_in, to_the_form, unused_address
from tests.contract.world import sign_up_body

SESSION, BROWSER = "bh_hum_session", "bh_hum_browser"


@pytest.fixture
def browser(stack: Stack) -> Iterator[httpx.Client]:
    """A browser with cookies and forms. It follows no redirect by itself."""
    with signing_in.open_browser(stack.url) as client:
        yield client


def set_cookies(answer: httpx.Response) -> dict[str, str]:
    """The cookies that a response sets, by name, with their attributes."""
    return {text.partition("=")[0]: text for text in answer.headers.get_list("set-cookie")}


def test_login_redirects_to_the_issuer_with_a_code_challenge(browser: httpx.Client) -> None:
    answer = browser.get("/auth/login")
    assert answer.status_code == 302
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert asked["response_type"] == "code"
    assert set(asked["scope"].split()) >= {"openid", "email"}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{str(browser.base_url).rstrip('/')}/auth/callback"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    cookie = set_cookies(answer)[BROWSER]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/auth;" in cookie
    assert "Secure" not in cookie  # The public address of the local stack uses http.


def test_a_person_signs_in_reads_their_profile_and_signs_out(browser: httpx.Client) -> None:
    email = unused_address()
    answer = sign_in(browser, email, "/api/me?from=login")
    assert (answer.status_code, answer.headers["location"]) == (302, "/api/me?from=login")
    cookie = set_cookies(answer)[SESSION]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/;"))
    me = browser.get("/api/me").json()
    assert (me["user"]["email"], me["org"], me["orgs"]) == (email, None, [])
    before = dict(browser.cookies)[SESSION]
    gone = browser.get("/auth/logout")
    assert gone.status_code == 302
    assert "Max-Age=0" in set_cookies(gone)[SESSION]
    assert browser.get("/api/me").status_code == 401
    assert browser.get("/api/me", headers={"Cookie": f"{SESSION}={before}"}).status_code == 401
    assert follow_redirects(browser, gone, "/signed-out")
    assert to_the_form(browser).status_code == 200  # The issuer has ended its session, too.


def test_a_person_who_signs_in_again_has_the_same_id(browser: httpx.Client) -> None:
    email = unused_address()
    sign_in(browser, email)
    first = browser.get("/api/me").json()["user"]
    browser.cookies.clear()
    sign_in(browser, email.upper())
    assert browser.get("/api/me").json()["user"]["id"] == first["id"]


def test_a_sign_in_ends_the_session_that_the_browser_had(browser: httpx.Client) -> None:
    sign_in(browser, unused_address())
    before = dict(browser.cookies)[SESSION]
    # The issuer still has a session and asks for nothing.
    browser.get(follow_redirects(browser, browser.get("/auth/login"), "/auth/callback").headers["location"])
    assert dict(browser.cookies)[SESSION] != before
    assert browser.get("/api/me", headers={"Cookie": f"{SESSION}={before}"}).status_code == 401


def test_a_response_of_the_issuer_works_once(browser: httpx.Client) -> None:
    back = fill_in(browser, to_the_form(browser), unused_address()).headers["location"]
    assert browser.get(back).status_code == 302
    again = browser.get(back)
    assert (again.status_code, again.json()["code"]) == (400, "sign_in_expired")
    assert SESSION not in set_cookies(again)


def test_a_response_for_another_browser_signs_nobody_in(browser: httpx.Client, stack: Stack) -> None:
    back = fill_in(browser, to_the_form(browser), unused_address()).headers["location"]
    with httpx.Client(timeout=20) as victim:
        answer = victim.get(back)
        assert (answer.status_code, answer.json()["code"]) == (400, "sign_in_expired")
        assert not victim.cookies


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"state": "x" * 43, "code": "c"}, 400, "sign_in_expired"),
        ({"state": "x" * 43, "error": "access_denied"}, 400, "sign_in_expired"),
        ({"code": "c"}, 400, "invalid_request"),
    ],
)
def test_a_callback_without_a_sign_in_is_refused(
    browser: httpx.Client, query: dict[str, str], status: int, code: str
) -> None:
    answer = browser.get("/auth/callback", params=query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_unknown_codes_and_errors_of_the_issuer_sign_nobody_in(browser: httpx.Client) -> None:
    for more in ({"code": "made-up"}, {"error": "access_denied"}):
        asked = parse_qs(urlsplit(browser.get("/auth/login").headers["location"]).query)
        answer = browser.get("/auth/callback", params={"state": asked["state"][0], **more})
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_refused")
        assert SESSION not in set_cookies(answer)


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/%2f%2fevil.example",
        "/%09/evil.example",
        "\t/x",
        "",
    ],
)
def test_a_sign_in_never_redirects_to_another_site(browser: httpx.Client, wanted: str) -> None:
    assert sign_in(browser, unused_address(), wanted).headers["location"] == "/console"


def test_an_invite_waits_for_the_address_to_be_verified(
    browser: httpx.Client, http: httpx.Client, stack: Stack
) -> None:
    email = unused_address()
    with inside(stack):
        org = console.open_organization(http)
    made = org.admin.post("/api/team/invites", {"email": email, "role": "viewer"}).json()["invite"]
    sign_in(browser, email, f"/api/me?invite={made['id']}", unverified="on")
    me = browser.get("/api/me").json()
    assert (me["org"], me["invites"]) == (None, [])
    browser.get("/auth/logout")
    browser.cookies.clear()
    sign_in(browser, email)
    me = browser.get("/api/me").json()
    assert (me["org"], [one["id"] for one in me["invites"]]) == (None, [made["id"]])
    assert browser.post(f"/api/invites/{made['id']}/accept").json()["org"]["id"] == org.org_id
    me = browser.get("/api/me").json()
    assert (me["org"]["id"], me["role"]) == (org.org_id, "viewer")
    assert org.admin.get("/api/team").json()["invites"] == []


def test_the_link_of_an_invite_works_for_the_invited_person_only(
    browser: httpx.Client, http: httpx.Client, stack: Stack
) -> None:
    email = unused_address()
    with inside(stack):
        org = console.open_organization(http)
    org.admin.post("/api/team/invites", {"email": email, "role": "operator"})
    link = find_invite_link(stack, email)
    for who, place in ((unused_address(), None), (email, org.org_id)):
        browser.cookies.clear()
        form = browser.get(link)
        while form.is_redirect:
            form = browser.get(urljoin(str(form.request.url), form.headers["location"]))
        answer = browser.get(fill_in(browser, form, who).headers["location"])
        assert answer.headers["location"].startswith("/console?invite=inv_")
        me = browser.get("/api/me").json()
        assert (me["user"]["email"], me["org"] and me["org"]["id"]) == (who, place)


def find_invite_link(stack: Stack, email: str) -> str:
    """The sign-in link of the invite mail to an address."""

    def find() -> str | None:
        for file in (stack.home / "mail").glob("*"):
            mail = message_from_bytes(file.read_bytes(), policy=default)
            text = mail.get_body(("plain",)) if email in str(mail["to"]) else None
            for line in text.get_content().split() if text else ():
                if "/auth/login" in line:
                    return str(line)
        return None

    deadline = time.monotonic() + 30
    while not (found := find()):
        assert time.monotonic() < deadline, "the mail did not arrive"
        time.sleep(0.1)
    return found


def test_a_link_scanner_that_opens_the_callback_first_does_not_block_the_sign_in(
    browser: httpx.Client, stack: Stack
) -> None:
    back = fill_in(browser, to_the_form(browser), unused_address()).headers["location"]
    with httpx.Client(timeout=20) as scanner:
        assert scanner.get(back).status_code == 400
    assert browser.get(back).status_code == 302


def test_the_human_of_a_signed_up_agent_is_the_organizations_admin(browser: httpx.Client, http: httpx.Client) -> None:
    wanted = sign_up_body()
    made = http.post("/v1/agent/sign-up", json=wanted).json()
    sign_in(browser, wanted["human_email"])
    (invite,) = browser.get("/api/me").json()["invites"]
    browser.post(f"/api/invites/{invite['id']}/accept")
    me = browser.get("/api/me").json()
    assert (me["org"]["id"], me["role"]) == (made["organization_id"], "admin")


def test_known_and_unknown_addresses_get_the_same_responses(
    browser: httpx.Client, http: httpx.Client, stack: Stack
) -> None:
    known = unused_address()
    sign_in(browser, known)
    with inside(stack):
        org = console.open_organization(http)
    answers = [org.admin.post("/api/team/invites", {"email": email}) for email in (known, unused_address())]
    first, second = (answer.json()["invite"] for answer in answers)
    assert {answer.status_code for answer in answers} == {200}
    assert first.keys() == second.keys()
    assert {name for name in first if first[name] != second[name]} <= {"id", "email", "created_at", "expires_at"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/auth/callback?state=old&code=old", "sign_in_expired"), ("/auth/callback", "invalid_request")],
)
def test_a_failure_is_a_page_for_people_and_json_for_clients(browser: httpx.Client, path: str, reason: str) -> None:
    asked = browser.get(path)
    assert (asked.status_code, asked.json()["code"]) == (400, reason)
    shown = browser.get(path, headers={"Accept": "text/html"})
    assert shown.status_code == 302
    assert shown.headers["location"].startswith(f"../sign-in-failed?reason={reason}&request_id=req_")


def test_a_sign_in_without_a_name_keeps_the_known_name(browser: httpx.Client) -> None:
    email = unused_address()
    sign_in(browser, email, name="Ada Lovelace")
    browser.get("/auth/logout")
    browser.cookies.clear()
    sign_in(browser, email, name="")
    assert browser.get("/api/me").json()["user"]["name"] == "Ada Lovelace"
