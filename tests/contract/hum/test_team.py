"""HUM over HTTP: members and invites of the team."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from switchboard.people import sessions
from switchboard.team.permissions import Role
from tests.contract import console
from tests.contract.console import Console
from tests.contract.hum.conftest import assert_refused


def test_a_team_is_members_by_name_and_invites_newest_first(http: httpx.Client) -> None:
    org = console.open_organization(http)
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


def test_an_invite_is_refused_for_members_duplicates_and_invalid_input(org: Console) -> None:
    admin = org.admin
    admin.post("/api/team/invites", {"email": "twice@example.com"})
    assert_refused(admin.post("/api/team/invites", {"email": "TWICE@example.com"}), 409, "already_invited")
    assert_refused(admin.post("/api/team/invites", {"email": org.viewer.user.email}), 409, "already_member")
    assert_refused(admin.post("/api/team/invites", {"email": "a@example.com", "role": "owner"}), 400, "invalid_request")
    assert_refused(admin.post("/api/team/invites", {"email": "nobody"}), 400, "invalid_request")


def test_a_role_change_holds_from_the_next_request(org: Console) -> None:
    person = org.another(Role.VIEWER)
    path = f"/api/team/members/{person.user.id}"
    body: dict[str, object] = {"e164": console.next_number()}
    assert_refused(person.post("/api/blocklist", body), 403, "insufficient_role")
    assert org.admin.patch(path, {"role": "operator"}).json()["member"]["role"] == "operator"
    assert person.post("/api/blocklist", body).status_code == 200
    org.admin.patch(path, {"role": "viewer"})
    assert_refused(person.post("/api/blocklist", body), 403, "insufficient_role")
    org.admin.delete(path)
    assert_refused(person.get("/api/team"), 403, "no_organization")
    assert_refused(org.admin.patch(path, {"role": "viewer"}), 404, "not_found")
    assert person.get("/api/me").json()["org"] is None


def test_running_requests_respect_changes_of_role_and_session(http: httpx.Client) -> None:
    org = console.open_organization(http)
    person, over = org.another(Role.OPERATOR), threading.Event()
    cookie = sessions.parse_cookie(person.cookie)
    assert cookie
    answers: list[tuple[float, int]] = []

    def keep_asking() -> None:
        while not over.is_set():
            started = time.monotonic()
            answers.append((started, person.post("/api/blocklist", {"e164": console.next_number()}).status_code))

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
    org = console.open_organization(http)
    path = f"/api/team/members/{org.admin.user.id}"
    assert_refused(org.admin.patch(path, {"role": "viewer"}), 409, "last_admin")
    assert_refused(org.admin.delete(path), 409, "last_admin")
    assert org.admin.get("/api/me").json()["role"] == "admin"
    org.admin.patch(f"/api/team/members/{org.viewer.user.id}", {"role": "admin"})
    assert org.viewer.delete(path).status_code == 200
