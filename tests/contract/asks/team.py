"""Requests for members and invites of a team."""

from __future__ import annotations

import secrets

from switchboard.team.permissions import Role
from tests.contract.console import Console, Person
from tests.contract.world import Ask


def _invite(admin: Person) -> str:
    made = admin.post("/api/team/invites", {"email": f"{secrets.token_hex(6)}@example.com"}).json()
    return f"/api/team/invites/{made['invite']['id']}"


def _member(org: Console) -> str:
    return f"/api/team/members/{org.another(Role.VIEWER).user.id}"


GOOD = {
    "listTeam": lambda _: Ask("GET", "/api/team"),
    "createTeamInvite": lambda _: Ask(
        "POST", "/api/team/invites", {"email": f"{secrets.token_hex(6)}@example.com", "role": "viewer"}
    ),
    "revokeTeamInvite": lambda org: Ask("DELETE", _invite(org.admin)),
    "updateTeamMemberRole": lambda org: Ask("PATCH", _member(org), {"role": "operator"}),
    "removeTeamMember": lambda org: Ask("DELETE", _member(org)),
}
