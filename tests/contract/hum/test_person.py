"""HUM over HTTP: the signed-in person."""

from __future__ import annotations

import httpx

from switchboard.team.permissions import PERMISSIONS, Permission, Role
from tests.contract import console
from tests.contract.console import Console, Person
from tests.contract.hum.conftest import assert_refused


def test_me_returns_person_organization_and_permissions(org: Console) -> None:
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
        assert found["permissions"] == sorted(one for one in Permission if one in PERMISSIONS[role])


def test_me_without_an_organization_returns_only_the_person(http: httpx.Client) -> None:
    found = console.add_person(http).get("/api/me").json()
    assert (found["org"], found["role"], found["orgs"], found["permissions"]) == (None, None, [], [])


def test_onboarding_makes_an_admin_and_selects_the_new_organization(http: httpx.Client) -> None:
    person = console.add_person(http)
    made = person.post("/api/orgs", {"name": "  Lakeside Clinic ", "contact_email": "office@lakeside.example"})
    assert made.status_code == 201
    told = made.json()
    assert (told["name"], told["slug"], told["plan"]) == ("Lakeside Clinic", "lakeside-clinic", "free")
    assert (told["contact_email"], told["contact_name"], told["timezone"]) == ("office@lakeside.example", None, "UTC")
    cookie = made.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    new = Person(http, person.user, cookie.partition("=")[2].partition(";")[0])
    for session in (person, new):  # The old cookie still works: the response may have been lost.
        me = session.get("/api/me").json()
        assert (me["org"]["id"], me["role"]) == (told["id"], "admin")
        assert session.get("/api/orgs/current").json() == told


def test_a_person_switches_between_organizations(http: httpx.Client, org: Console, other: Console) -> None:
    person = org.another(Role.VIEWER)
    first = person.post("/api/orgs", {"name": "Own"}).json()
    assert {one["id"] for one in person.get("/api/me").json()["orgs"]} == {org.org_id, first["id"]}
    turned = person.post("/api/session/org", {"org_id": org.org_id})
    assert (turned.json()["org"]["id"], turned.json()["role"]) == (org.org_id, "viewer")
    assert person.get("/api/orgs/current").json()["id"] == org.org_id
    for unknown in (other.org_id, "org_" + "0" * 26, "nonsense"):
        assert_refused(person.post("/api/session/org", {"org_id": unknown}), 404, "not_found")
