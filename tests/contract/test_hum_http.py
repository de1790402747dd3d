"""HUM over HTTP: who may do what, what it answers, and what it refuses."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from infra import openapi
from switchboard.accounts.plans import PLANS, PlanName
from switchboard.people import sessions
from switchboard.team.permissions import Permission, Role, may
from tests.conftest import Stack
from tests.contract import asks, console
from tests.contract.asks import GOOD, OWN, TURNING, ask_for
from tests.contract.conftest import inside
from tests.contract.console import Console, Person
from tests.contract.spec import Spec
from tests.contract.world import Ask, Organization

OURS = Spec.read(openapi.FOLDER / "hum.json")


def _shape(path: str) -> str:
    """A path whatever its variables are called: the document has the contract's names, routes have their own."""
    return re.sub(r"[<{][^>}]+[>}]", "{}", path)


NAMES = {(one.method, _shape(one.path)): one.id for one in OURS.operations.values()}
#: What each operation that takes a session asks for.
PERMISSIONS = {
    NAMES[operation.method, _shape(operation.path)]: operation.permission
    for api in openapi.groups("hum")
    for operation in api.router.operations
    if not operation.public
}
#: The operations that name something of the organization. For another organization it does not exist.
NAMING = [*(name for name in sorted(GOOD) if "{" in OURS.operations[name].path), *asks.NAMING_IN_BODY]
CHANGING = sorted(name for name in PERMISSIONS if OURS.operations[name].method != "GET")


@pytest.fixture(scope="module", autouse=True)
def _services(stack: Stack) -> Iterator[None]:
    with inside(stack):
        yield


@pytest.fixture(scope="module")
def org(http: httpx.Client) -> Console:
    return console.opened(http)


@pytest.fixture(scope="module")
def other(http: httpx.Client) -> Console:
    """Another organization, whose admin may do everything there and nothing here."""
    return console.opened(http)


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """Assert that an answer is a refusal, in HUM's own words."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error", "code", "message", "details"}
    assert body["code"] == code, body


def succeeds(name: str) -> int:
    return min(OURS.operations[name].statuses)


# ---- the matrix


def test_every_operation_that_takes_a_session_is_in_the_matrix() -> None:
    missing, unknown = PERMISSIONS.keys() - (GOOD.keys() | OWN.keys()), (GOOD.keys() | OWN.keys()) - PERMISSIONS.keys()
    assert not missing, f"add a request for {sorted(missing)} to GOOD (or OWN) of a module in tests/contract/asks/"
    assert not unknown, f"remove {sorted(unknown)} from tests/contract/asks/: no route has this operation id"
    assert not GOOD.keys() & OWN.keys()
    assert {name for name in OWN if PERMISSIONS[name]} == set()


@pytest.mark.parametrize("name", sorted(PERMISSIONS))
def test_without_a_session_nothing_is_done_or_told(http: httpx.Client, org: Console, name: str) -> None:
    ask = ask_for(name, org, org.another(Role.ADMIN))
    over = console.over(http, org.org_id)
    for cookie, code in ((None, "unauthorized"), ("nonsense", "unauthorized"), (over.cookie, "expired")):
        headers = {} if cookie is None else {"Cookie": f"{console.COOKIE}={cookie}"}
        answer = Ask(ask.method, ask.path, {"not": "read"}, headers=headers).send(http)
        refused(answer, 401, code)
        assert answer.headers["x-amzn-remapped-www-authenticate"] == f'Cookie name="{console.COOKIE}"'


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_does_what_its_permissions_say_and_nothing_else(org: Console, name: str, role: Role) -> None:
    person: Person = getattr(org, role.value)
    permission = PERMISSIONS[name]
    answer = person.send(GOOD[name](org))
    if permission is None or may(role, permission):
        assert answer.status_code == succeeds(name), answer.text
    else:
        refused(answer, 403, "insufficient_role")
        assert {"permission": permission} in answer.json()["details"]
    if name == "createOrg":  # which has turned the session away from here
        assert person.post("/api/session/org", {"org_id": org.org_id}).status_code == 200


@pytest.mark.parametrize("name", NAMING)
@pytest.mark.parametrize("role", list(Role))
def test_no_role_reaches_into_another_organization(org: Console, other: Console, name: str, role: Role) -> None:
    person: Person = getattr(org, role.value)
    ask, permission = GOOD[name](other), PERMISSIONS[name]
    if permission is None or may(role, permission):
        refused(person.send(ask), 404, "not_found")
    else:
        refused(person.send(ask), 403, "insufficient_role")
    assert other.admin.send(ask).status_code == succeeds(name)


@pytest.mark.parametrize("name", NAMING)
def test_what_belongs_to_another_organization_is_not_there(org: Console, other: Console, name: str) -> None:
    ask = GOOD[name](org)
    for _ in range(2):
        refused(other.admin.send(ask), 404, "not_found")
    assert org.admin.send(ask).status_code == succeeds(name)


@pytest.mark.parametrize("name", sorted(name for name, permission in PERMISSIONS.items() if permission))
def test_a_person_without_an_organization_is_told_to_get_one(http: httpx.Client, org: Console, name: str) -> None:
    refused(console.somebody(http).send(GOOD[name](org)), 403, "no_organization")


@pytest.mark.parametrize("name", CHANGING)
def test_another_sites_page_changes_nothing(org: Console, name: str) -> None:
    ask = ask_for(name, org, org.admin)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        refused(org.admin.send(ask.with_headers(**headers)), 403, "cross_origin")
    ours = ask.with_headers(Origin=_origin(org.http), Sec_Fetch_Site="same-origin")
    assert org.admin.send(ours).status_code == succeeds(name)
    if name in TURNING:
        org.admin.post("/api/session/org", {"org_id": org.org_id})


def _origin(http: httpx.Client) -> str:
    return f"http://localhost:{http.base_url.port}"


@pytest.mark.parametrize("name", CHANGING)
def test_a_repeated_request_gets_the_first_answer(org: Console, name: str) -> None:
    person = org.another(Role.ADMIN)
    ask = ask_for(name, org, person).with_headers(Idempotency_Key=f"key-{name}-{time.time_ns()}")
    first, second = person.send(ask), person.send(ask)
    assert first.status_code == succeeds(name), first.text
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["idempotent-replayed"] == "true"
    if ask.body:
        changed = Ask(ask.method, ask.path, {**ask.body, "more": 1}, headers=ask.headers)
        refused(person.send(changed), 409, "idempotency_mismatch")


@pytest.mark.parametrize("name", [name for name in CHANGING if OURS.body(OURS.operations[name])])
@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{not json", "application/json", 400, "invalid_json"),
        (b"[]", "application/json", 400, "invalid_request"),
        (b"", "application/json", 400, "invalid_request"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b'{"a":"' + b"x" * 1_048_576 + b'"}', "application/json", 413, "payload_too_large"),
    ],
    ids=["broken", "list", "empty", "text", "large"],
)
def test_a_body_that_is_none_is_refused(
    org: Console, name: str, content: bytes, media_type: str, status: int, code: str
) -> None:
    ask = GOOD[name](org)
    headers = org.admin.headers | {"Content-Type": media_type}
    refused(org.http.request(ask.method, ask.path, content=content, headers=headers), status, code)


# ---- the person


def test_me_tells_who_where_and_what_they_may_do(org: Console) -> None:
    for role in Role:
        person: Person = getattr(org, role.value)
        found = person.get("/api/me").json()
        assert found["user"] == {
            "id": person.user.id,
            "email": person.user.email,
            "name": person.user.name,
            "avatar_url": None,
        }
        assert (found["org"]["id"], found["org"]["role"], found["org"]["plan"]) == (org.org_id, role, "scale")
        assert found["role"] == role
        assert {one["id"] for one in found["orgs"]} >= {org.org_id}
        assert found["permissions"] == sorted(one for one in Permission if may(role, one))


def test_me_without_an_organization_is_the_person_alone(http: httpx.Client) -> None:
    found = console.somebody(http).get("/api/me").json()
    assert (found["org"], found["role"], found["orgs"], found["permissions"]) == (None, None, [], [])


def test_onboarding_makes_an_admin_who_looks_at_the_new_organization(http: httpx.Client) -> None:
    person = console.somebody(http)
    made = person.post("/api/orgs", {"name": "  Lakeside Clinic ", "contact_email": "office@lakeside.example"})
    assert made.status_code == 201
    told = made.json()
    assert (told["name"], told["slug"], told["plan"]) == ("Lakeside Clinic", "lakeside-clinic", "free")
    assert (told["contact_email"], told["contact_name"], told["timezone"]) == ("office@lakeside.example", None, "UTC")
    cookie = made.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    new = Person(http, person.user, cookie.partition("=")[2].partition(";")[0])
    for session in (person, new):  # the cookie of before goes on working: its answer may have been lost
        me = session.get("/api/me").json()
        assert (me["org"]["id"], me["role"]) == (told["id"], "admin")
        assert session.get("/api/orgs/current").json() == told


def test_a_person_turns_from_one_organization_to_another(http: httpx.Client, org: Console, other: Console) -> None:
    person = org.another(Role.VIEWER)
    first = person.post("/api/orgs", {"name": "Own"}).json()
    assert {one["id"] for one in person.get("/api/me").json()["orgs"]} == {org.org_id, first["id"]}
    turned = person.post("/api/session/org", {"org_id": org.org_id})
    assert (turned.json()["org"]["id"], turned.json()["role"]) == (org.org_id, "viewer")
    assert person.get("/api/orgs/current").json()["id"] == org.org_id
    for unknown in (other.org_id, "org_" + "0" * 26, "nonsense"):
        refused(person.post("/api/session/org", {"org_id": unknown}), 404, "not_found")


# ---- invites of the person

#: What each role may do by the operations of our own, in words of this test.
OF_A_PERSON = {"admin": 200, "operator": 200, "viewer": 200}


@pytest.mark.parametrize("name", ["listOwnInvites", "acceptInvite", "declineInvite", "leaveTeam"])
@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
def test_every_role_chooses_for_itself(http: httpx.Client, org: Console, name: str, role: str) -> None:
    person: Person = getattr(org, role)
    answer = person.send(ask_for(name, org, person))
    assert answer.status_code == OF_A_PERSON[role], answer.text
    if name == "leaveTeam":
        refused(person.get("/api/team"), 403, "no_organization")
        person.post("/api/session/org", {"org_id": org.org_id})
    # A person in no organization chooses, too, and has nothing to leave.
    stranger = console.somebody(http)
    if name == "leaveTeam":
        refused(stranger.post("/api/team/leave"), 403, "no_organization")
    else:
        assert stranger.send(ask_for(name, org, stranger)).status_code == 200


@pytest.mark.parametrize("name", ["acceptInvite", "declineInvite"])
@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
def test_an_invite_for_another_address_is_not_there_for_any_role(org: Console, name: str, role: str) -> None:
    owner, person = org.another(Role.VIEWER), getattr(org, role)
    ask = ask_for(name, org, owner)
    refused(person.send(ask), 404, "not_found")
    assert owner.send(ask).status_code == 200
    refused(owner.send(ask), 404, "not_found")


@pytest.mark.parametrize("unknown", ["inv_" + "0" * 26, "x", "x" * 3_000, "mails%232026-01-01", "%00"])
@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_what_is_no_invites_id_is_not_found(org: Console, unknown: str, answer: str) -> None:
    assert org.viewer.post(f"/api/invites/{unknown}/{answer}").status_code == 404


def test_a_person_sees_the_invites_that_they_may_accept_and_chooses(http: httpx.Client) -> None:
    person = console.somebody(http)
    assert person.get("/api/invites").json() == {"invites": [], "invite_count": 0}
    (first, _), (second, org_id), (third, _) = (console.inviting(person, role) for role in Role)
    found = person.get("/api/invites").json()
    assert [one["id"] for one in found["invites"]] == [third.id, second.id, first.id]
    assert found["invites"][1] == {
        "id": second.id,
        "org_name": "Inviting",
        "role": "operator",
        "invited_by": "Zoe",
        "created_at": second.created_at,
        "expires_at": second.expires_at,
    }
    me = person.get("/api/me").json()
    assert (me["invites"], me["invite_count"], me["orgs"]) == (found["invites"], 3, [])
    accepted = person.post(f"/api/invites/{second.id}/accept")
    assert accepted.json() == {"ok": True, "org": {"id": org_id, "name": "Inviting", "role": "operator"}}
    assert person.post(f"/api/invites/{third.id}/decline").json() == {"ok": True}
    # Whoever was in no organization looks at the new one: the answer's cookie, and the one before.
    cookie = accepted.headers["set-cookie"].partition("=")[2].partition(";")[0]
    for session in (person, Person(http, person.user, cookie)):
        me = session.get("/api/me").json()
        assert (me["org"]["id"], me["role"], [one["id"] for one in me["invites"]]) == (org_id, "operator", [first.id])


def test_an_invite_that_is_accepted_takes_nobody_away(org: Console) -> None:
    person = org.another(Role.OPERATOR)
    made, org_id = console.inviting(person)
    answer = person.post(f"/api/invites/{made.id}/accept")
    assert "set-cookie" not in answer.headers
    me = person.get("/api/me").json()
    assert (me["org"]["id"], {one["id"] for one in me["orgs"]}) == (org.org_id, {org.org_id, org_id})


def test_a_member_leaves_and_the_last_admin_stays(http: httpx.Client) -> None:
    org = console.opened(http)
    refused(org.admin.post("/api/team/leave"), 409, "last_admin")
    for person in (org.viewer, org.operator):
        assert person.post("/api/team/leave").json() == {"ok": True}
        refused(person.post("/api/team/leave"), 403, "no_organization")
        assert person.get("/api/me").json()["org"] is None
    assert [one["user_id"] for one in org.admin.get("/api/team").json()["members"]] == [org.admin.user.id]


def test_an_address_that_is_mailed_too_often_says_when_to_come_back(http: httpx.Client) -> None:
    org, known = console.opened(http), console.somebody(http)
    waits = set()
    for email in (known.user.email, "nobody-at-all@example.com"):
        made = org.admin.post("/api/team/invites", {"email": email}).json()["invite"]
        org.admin.delete(f"/api/team/invites/{made['id']}")
        answer = org.admin.post("/api/team/invites", {"email": email})
        refused(answer, 429, "invite_mail_limit")
        waits.add(int(answer.headers["retry-after"]))
    assert all(3_500 < wait <= 3_601 for wait in waits)


@pytest.mark.parametrize("name", ["Acme\u202eInc", "Acme\nInc", "Acme\x00"])
def test_a_name_with_a_control_character_is_refused(org: Console, name: str) -> None:
    for answer in (org.admin.post("/api/orgs", {"name": name}), org.admin.patch("/api/orgs/current", {"name": name})):
        refused(answer, 400, "invalid_request")
        assert "control character" in answer.json()["details"][0]["message"]


# ---- the organization


def test_a_patch_sets_what_it_names_empties_what_is_null_and_leaves_the_rest(http: httpx.Client) -> None:
    org = console.opened(http)
    admin = org.admin
    before = admin.get("/api/orgs/current").json()
    changed = admin.patch(
        "/api/orgs/current",
        {"name": "New", "contact_name": "Ada", "contact_phone": "+14155550100", "default_provider": "gemini"},
    ).json()
    wanted = {"name": "New", "contact_name": "Ada", "contact_phone": "+14155550100", "default_provider": "gemini"}
    assert changed == before | wanted | {"updated_at": changed["updated_at"]}
    assert changed["updated_at"] > before["updated_at"]
    emptied = admin.patch("/api/orgs/current", {"name": "New", "contact_name": None}).json()
    assert emptied == changed | {"contact_name": None, "updated_at": emptied["updated_at"]}
    assert org.viewer.get("/api/orgs/current").json() == emptied


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contact_name": "Ada"},
        {"name": None},
        {"name": "  "},
        {"name": "x" * 201},
        {"name": "A", "contact_email": "nobody"},
        {"name": "A", "contact_phone": "x" * 33},
        {"name": "A", "address_city": "x" * 121},
        {"name": "A", "default_provider": "siri"},
        {"name": "A", "default_provider": None},
        {"name": 7},
    ],
)
def test_a_profile_that_is_none_is_refused_and_changes_nothing(org: Console, body: dict[str, Any]) -> None:
    before = org.admin.get("/api/orgs/current").json()
    answer = org.admin.patch("/api/orgs/current", body)
    refused(answer, 400, "invalid_request")
    assert all({"field", "message"} == set(detail) for detail in answer.json()["details"])
    assert org.admin.get("/api/orgs/current").json() == before


# ---- the team


def test_a_team_is_members_by_name_and_invites_newest_first(http: httpx.Client) -> None:
    org = console.opened(http)
    first = org.admin.post("/api/team/invites", {"email": "One@Example.com"}).json()["invite"]
    second = org.admin.post("/api/team/invites", {"email": "two@example.com", "role": "viewer"}).json()["invite"]
    found = org.viewer.get("/api/team").json()
    assert found["invites"] == [second, first]
    assert (first["email"], first["role"]) == ("one@example.com", "operator")
    assert {(one["user_id"], one["role"]) for one in found["members"]} == {
        (getattr(org, role.value).user.id, role.value) for role in Role
    }
    names = [one["name"].casefold() for one in found["members"]]
    assert names == sorted(names)


def test_an_invite_refuses_what_it_must_and_tells_no_more(org: Console) -> None:
    admin = org.admin
    admin.post("/api/team/invites", {"email": "twice@example.com"})
    refused(admin.post("/api/team/invites", {"email": "TWICE@example.com"}), 409, "already_invited")
    refused(admin.post("/api/team/invites", {"email": org.viewer.user.email}), 409, "already_member")
    refused(admin.post("/api/team/invites", {"email": "a@example.com", "role": "owner"}), 400, "invalid_request")
    refused(admin.post("/api/team/invites", {"email": "nobody"}), 400, "invalid_request")


def test_a_role_change_is_felt_by_the_next_request(org: Console) -> None:
    person = org.another(Role.VIEWER)
    path = f"/api/team/members/{person.user.id}"
    body: dict[str, object] = {"e164": console.number()}
    refused(person.post("/api/blocklist", body), 403, "insufficient_role")
    assert org.admin.patch(path, {"role": "operator"}).json()["member"]["role"] == "operator"
    assert person.post("/api/blocklist", body).status_code == 200
    org.admin.patch(path, {"role": "viewer"})
    refused(person.post("/api/blocklist", body), 403, "insufficient_role")
    org.admin.delete(path)
    refused(person.get("/api/team"), 403, "no_organization")
    refused(org.admin.patch(path, {"role": "viewer"}), 404, "not_found")
    assert person.get("/api/me").json()["org"] is None


def test_requests_under_way_feel_a_role_and_a_session_that_change(http: httpx.Client) -> None:
    org = console.opened(http)
    person, over = org.another(Role.OPERATOR), threading.Event()
    cookie = sessions.parse_cookie(person.cookie)
    assert cookie
    answers: list[tuple[float, int]] = []

    def keep_asking() -> None:
        while not over.is_set():
            started = time.monotonic()
            answers.append((started, person.post("/api/blocklist", {"e164": console.number()}).status_code))

    def wait_for(status: int, since: float) -> None:
        deadline = time.monotonic() + 20
        while status not in {found for started, found in answers if started > since}:
            assert time.monotonic() < deadline, answers
            time.sleep(0.01)

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(keep_asking) for _ in range(3)]
        try:
            wait_for(200, 0)
            org.admin.patch(f"/api/team/members/{person.user.id}", {"role": "viewer"})
            demoted = time.monotonic()
            wait_for(403, demoted)
            sessions.sign_out(cookie)
            ended = time.monotonic()
            wait_for(401, ended)
        finally:
            over.set()
        for one in asking:
            one.result()
    assert {status for _, status in answers} == {200, 403, 401}
    assert {status for started, status in answers if started > demoted} == {403, 401}
    assert {status for started, status in answers if started > ended} == {401}


def test_the_last_admin_stays(http: httpx.Client) -> None:
    org = console.opened(http)
    path = f"/api/team/members/{org.admin.user.id}"
    refused(org.admin.patch(path, {"role": "viewer"}), 409, "last_admin")
    refused(org.admin.delete(path), 409, "last_admin")
    assert org.admin.get("/api/me").json()["role"] == "admin"
    org.admin.patch(f"/api/team/members/{org.viewer.user.id}", {"role": "admin"})
    assert org.viewer.delete(path).status_code == 200


# ---- the blocklist


def test_a_block_is_one_however_often_and_however_it_is_written(http: httpx.Client) -> None:
    org = console.opened(http)
    first = org.operator.post("/api/blocklist", {"e164": "+1 (415) 555-0142", "reason": "asked"}).json()
    assert first["ok"] is True
    block = first["blocked_number"]
    assert (block["e164"], block["reason"], block["created_by"]) == ("+14155550142", "asked", org.operator.user.id)
    assert org.admin.post("/api/blocklist", {"e164": "+14155550142", "reason": "again"}).json() == first
    assert org.viewer.get("/api/blocklist").json() == {"blocked_numbers": [block], "next_cursor": None}
    assert org.operator.delete(f"/api/blocklist/{block['id']}").json() == {"ok": True}
    refused(org.operator.delete(f"/api/blocklist/{block['id']}"), 404, "not_found")
    assert org.viewer.get("/api/blocklist").json()["blocked_numbers"] == []


@pytest.mark.parametrize("e164", ["", "1", "nonsense", "+1", "+1415555", "++14155550142", "+14155550142x", "x" * 33])
def test_what_is_no_number_is_not_blocked(org: Console, e164: str) -> None:
    answer = org.admin.post("/api/blocklist", {"e164": e164})
    refused(answer, 400, "invalid_number" if 2 <= len(e164) <= 32 else "invalid_request")
    assert [detail["field"] for detail in answer.json()["details"]] == ["e164"]


def test_pages_hold_still_while_rows_come_and_go(http: httpx.Client) -> None:
    org = console.opened(http)
    numbers = sorted({console.number() for _ in range(12)})
    for one in numbers[::2]:
        org.admin.post("/api/blocklist", {"e164": one})
    seen, cursor = [], ""
    for late in [*numbers[1::2], None, None]:
        page = org.viewer.get("/api/blocklist", limit="2", **({"cursor": cursor} if cursor else {})).json()
        seen += [one["e164"] for one in page["blocked_numbers"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
        if late:
            org.admin.post("/api/blocklist", {"e164": late})
    assert len(seen) == len(set(seen))
    assert set(seen) >= set(numbers[::2])
    assert seen == sorted(seen)


def test_a_cursor_is_good_for_its_list_and_its_organization_only(org: Console, other: Console) -> None:
    for _ in range(2):
        org.admin.post("/api/blocklist", {"e164": console.number()})
    cursor = org.admin.get("/api/blocklist", limit="1").json()["next_cursor"]
    assert org.admin.get("/api/blocklist", cursor=cursor).status_code == 200
    for person, text in ((other.admin, cursor), (org.admin, cursor[:-2] + "xx"), (org.admin, "x")):
        refused(person.get("/api/blocklist", cursor=text), 400, "invalid_cursor")
    refused(org.admin.get("/api/contacts", cursor=cursor), 400, "invalid_cursor")
    for limit in ("0", "101", "many"):
        refused(org.admin.get("/api/blocklist", limit=limit), 400, "invalid_request")


def test_a_blocked_number_is_called_by_no_api(http: httpx.Client, demo: Organization, stack: Stack) -> None:
    admin = Person(http, console.somebody(http).user, stack.keys["HUM_SESSION"])
    call = {"to": "+14155550171", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}
    start = {
        "action": "initiate_call",
        "agent_id": stack.keys["OPTICOMM_AGENT_ID"],
        "phone_number": "+14155550171",
        "variables": {"customer_name": "Ada"},
    }
    keyed = {"X-API-Key": stack.keys["OPTICOMM_TEST_KEY"]}
    block = admin.post("/api/blocklist", {"e164": "+14155550171"}).json()["blocked_number"]
    anima = http.post("/v1/voice/calls", json=call, headers=demo.agent)
    assert (anima.status_code, anima.json()["details"]["gate"]) == (403, "dnc")
    opticomm = http.post("/functions/v1/external-api", json=start, headers=keyed)
    assert (opticomm.status_code, opticomm.json()["error"]) == (403, "PHONE_ON_DNC")
    assert admin.delete(f"/api/blocklist/{block['id']}").status_code == 200
    assert http.post("/v1/voice/calls", json=call, headers=demo.agent).status_code == 200
    assert http.post("/functions/v1/external-api", json=start, headers=keyed).status_code == 200


def test_the_demos_people_are_signed_in(http: httpx.Client, stack: Stack) -> None:
    for name, role in (("HUM_SESSION", "admin"), ("HUM_VIEWER_SESSION", "viewer")):
        found = http.get("/api/me", headers={"Cookie": f"{console.COOKIE}={stack.keys[name]}"}).json()
        assert (found["org"]["id"], found["role"]) == (stack.keys["ORGANIZATION_ID"], role)


# ---- limits, paths


def test_each_person_has_limits_of_their_own(http: httpx.Client) -> None:
    org = console.opened(http, PlanName.FREE)
    for who in (org.admin, org.viewer, org.operator):
        headers = who.get("/api/team").headers
        limit, left = int(headers["x-ratelimit-limit"]), int(headers["x-ratelimit-remaining"])
        assert (left, limit > PLANS[PlanName.FREE].requests_per_minute) == (limit - 1, True)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/team"), ("POST", "/api/me"), ("DELETE", "/auth/login")])
def test_a_wrong_method_is_told_which_are_right(org: Console, method: str, path: str) -> None:
    answer = org.admin.send(Ask(method, path))
    refused(answer, 405, "method_not_allowed")
    assert method not in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/api/teams", "/api/team/members", "/api/orgs/other", "/api/contacts/x/y", "/auth/"])
def test_an_unknown_path_is_not_found(org: Console, path: str) -> None:
    refused(org.admin.get(path), 404, "not_found")
