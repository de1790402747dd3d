"""HUM over HTTP: invites of the person."""

from __future__ import annotations

import httpx
import pytest

from switchboard.team.permissions import Role
from tests.contract import console
from tests.contract.asks import ask_for
from tests.contract.console import Console, Person
from tests.contract.hum.conftest import assert_refused

#: Permissions of each role for the platform's own operations, written by hand for this test.
OF_A_PERSON = {"admin": 200, "operator": 200, "viewer": 200}


@pytest.mark.parametrize("name", ["listOwnInvites", "acceptInvite", "declineInvite", "leaveTeam"])
@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
def test_every_role_may_answer_its_own_invites(http: httpx.Client, org: Console, name: str, role: str) -> None:
    person: Person = getattr(org, role)
    answer = person.send(ask_for(name, org, person))
    assert answer.status_code == OF_A_PERSON[role], answer.text
    if name == "leaveTeam":
        assert_refused(person.get("/api/team"), 403, "no_organization")
        person.post("/api/session/org", {"org_id": org.org_id})
    # A person without an organization chooses, too, and cannot leave one.
    stranger = console.add_person(http)
    if name == "leaveTeam":
        assert_refused(stranger.post("/api/team/leave"), 403, "no_organization")
    else:
        assert stranger.send(ask_for(name, org, stranger)).status_code == 200


@pytest.mark.parametrize("name", ["acceptInvite", "declineInvite"])
@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
def test_an_invite_for_another_address_is_not_found(org: Console, name: str, role: str) -> None:
    owner, person = org.another(Role.VIEWER), getattr(org, role)
    ask = ask_for(name, org, owner)
    assert_refused(person.send(ask), 404, "not_found")
    assert owner.send(ask).status_code == 200
    assert_refused(owner.send(ask), 404, "not_found")


@pytest.mark.parametrize("unknown", ["inv_" + "0" * 26, "x", "x" * 3_000, "mails%232026-01-01", "%00"])
@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_an_invalid_invite_id_is_not_found(org: Console, unknown: str, answer: str) -> None:
    assert org.viewer.post(f"/api/invites/{unknown}/{answer}").status_code == 404


def test_a_person_lists_their_invites_and_accepts_or_declines(http: httpx.Client) -> None:
    person = console.add_person(http)
    assert person.get("/api/invites").json() == {"invites": [], "invite_count": 0}
    (first, _), (second, org_id), (third, _) = (console.invite_by_new_admin(person, role) for role in Role)
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
    # The session of a person without an organization moves to the new one: both the new and the old cookie show it.
    cookie = accepted.headers["set-cookie"].partition("=")[2].partition(";")[0]
    for session in (person, Person(http, person.user, cookie)):
        me = session.get("/api/me").json()
        assert (me["org"]["id"], me["role"], [one["id"] for one in me["invites"]]) == (org_id, "operator", [first.id])


def test_accepting_an_invite_keeps_the_selected_organization(org: Console) -> None:
    person = org.another(Role.OPERATOR)
    made, org_id = console.invite_by_new_admin(person)
    answer = person.post(f"/api/invites/{made.id}/accept")
    assert "set-cookie" not in answer.headers
    me = person.get("/api/me").json()
    assert (me["org"]["id"], {one["id"] for one in me["orgs"]}) == (org.org_id, {org.org_id, org_id})


def test_a_member_leaves_and_the_last_admin_stays(http: httpx.Client) -> None:
    org = console.open_organization(http)
    assert_refused(org.admin.post("/api/team/leave"), 409, "last_admin")
    for person in (org.viewer, org.operator):
        assert person.post("/api/team/leave").json() == {"ok": True}
        assert_refused(person.post("/api/team/leave"), 403, "no_organization")
        assert person.get("/api/me").json()["org"] is None
    assert [one["user_id"] for one in org.admin.get("/api/team").json()["members"]] == [org.admin.user.id]


def test_an_address_with_too_many_mails_gets_retry_after(http: httpx.Client) -> None:
    org, known = console.open_organization(http), console.add_person(http)
    waits = set()
    for email in (known.user.email, "nobody-at-all@example.com"):
        made = org.admin.post("/api/team/invites", {"email": email}).json()["invite"]
        org.admin.delete(f"/api/team/invites/{made['id']}")
        answer = org.admin.post("/api/team/invites", {"email": email})
        assert_refused(answer, 429, "invite_mail_limit")
        waits.add(int(answer.headers["retry-after"]))
    assert all(3_500 < wait <= 3_601 for wait in waits)


@pytest.mark.parametrize("name", ["Acme\u202eInc", "Acme\nInc", "Acme\x00"])
def test_a_name_with_a_control_character_is_refused(org: Console, name: str) -> None:
    for answer in (org.admin.post("/api/orgs", {"name": name}), org.admin.patch("/api/orgs/current", {"name": name})):
        assert_refused(answer, 400, "invalid_request")
        assert "control character" in answer.json()["details"][0]["message"]
