"""Requests for the person, their invites and their organizations."""

from __future__ import annotations

from switchboard.team.permissions import Role
from tests.contract.console import Person, another_place, invite_by_new_admin
from tests.contract.world import Ask

GOOD = {
    "getCurrentUser": lambda _: Ask("GET", "/api/me"),
    "switchOrg": lambda org: Ask("POST", "/api/session/org", {"org_id": org.org_id}),
    "createOrg": lambda _: Ask("POST", "/api/orgs", {"name": "Another"}),
    "getCurrentOrg": lambda _: Ask("GET", "/api/orgs/current"),
    "updateCurrentOrg": lambda _: Ask("PATCH", "/api/orgs/current", {"name": "Tests", "contact_name": "Ada"}),
}


def _leaving(person: Person) -> Ask:
    org = another_place(person, Role.VIEWER)
    assert person.post("/api/session/org", {"org_id": org.org_id}).status_code == 200
    return Ask("POST", "/api/team/leave")


OWN = {
    "listOwnInvites": lambda _: Ask("GET", "/api/invites"),
    "acceptInvite": lambda person: Ask("POST", f"/api/invites/{invite_by_new_admin(person)[0].id}/accept"),
    "declineInvite": lambda person: Ask("POST", f"/api/invites/{invite_by_new_admin(person)[0].id}/decline"),
    "leaveTeam": _leaving,
}
