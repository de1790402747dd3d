"""People at the console: organizations with a member in every role, and one permitted request per operation of HUM."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit, write_item
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import clock
from switchboard.people import service as people
from switchboard.people import sessions
from switchboard.people import store as people_store
from switchboard.people.models import User
from switchboard.team import invites, members
from switchboard.team.models import Invite
from switchboard.team.permissions import Role
from tests.actors import system
from tests.contract.world import Ask


@dataclass(frozen=True)
class Person:
    """A person with a session."""

    http: httpx.Client
    user: User
    cookie: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.cookie}"}

    def send(self, ask: Ask) -> httpx.Response:
        """The answer that this person gets."""
        return Ask(ask.method, ask.path, ask.body, ask.query, ask.headers | self.headers).send(self.http)

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.send(Ask("GET", path, query=query))

    def post(self, path: str, body: dict[str, object] | None = None, **headers: str) -> httpx.Response:
        return self.send(Ask("POST", path, body, headers=_spelled(headers)))

    def patch(self, path: str, body: dict[str, object], **headers: str) -> httpx.Response:
        return self.send(Ask("PATCH", path, body, headers=_spelled(headers)))

    def delete(self, path: str, **headers: str) -> httpx.Response:
        return self.send(Ask("DELETE", path, headers=_spelled(headers)))


def _spelled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True)
class Console:
    """An organization with a member in every role."""

    http: httpx.Client
    org_id: str
    admin: Person
    operator: Person
    viewer: Person

    def another(self, role: Role) -> Person:
        """Add another person."""
        return join(self.http, self.org_id, role)


def add_person(http: httpx.Client, org_id: str | None = None) -> Person:
    """A new person who has just signed in."""
    name = secrets.token_hex(6)
    user = people.upsert_user(
        "https://tests.example", name, f"{name}@example.com", email_verified=True, name=name.title()
    )
    return Person(http, user, str(sessions.open_session(user, org_id)))


def join(http: httpx.Client, org_id: str, role: Role) -> Person:
    """A person with a role in an organization."""
    person = add_person(http, org_id)
    commit(members.membership_writes(system(org_id), person.user, role))
    return person


def open_organization(http: httpx.Client, plan: PlanName = PlanName.SCALE) -> Console:
    """A new organization, on a plan whose limits tests do not meet."""
    org = organizations.new_organization("Tests", "tests", plan)
    commit(organizations.organization_writes(system(org.id), org))
    roles = {role.value: join(http, org.id, role) for role in Role}
    return Console(http, org.id, **roles)


def another_place(person: Person, role: Role) -> Console:
    """A new organization, where a person has a role."""
    org = open_organization(person.http)
    commit(members.membership_writes(system(org.org_id), person.user, role))
    return org


def invite_by_new_admin(person: Person, role: Role = Role.VIEWER) -> tuple[Invite, str]:
    """Create an invite for a person in a new organization. Returns the ids of invite and organization."""
    org = organizations.new_organization("Inviting", "inviting", PlanName.SCALE)
    assert person.user.email
    made, writes = invites.invite_writes(system(org.id), org, "Zoe", person.user.email, role)
    commit(organizations.organization_writes(system(org.id), org), writes)
    return made, org.id


def expired_admin(http: httpx.Client, org_id: str) -> Person:
    """An admin whose session is over."""
    person = join(http, org_id, Role.ADMIN)
    cookie = sessions.parse_cookie(person.cookie)
    assert cookie
    write_item(people_store.session_change_write(cookie.digest, {"idle_at": clock.format_iso(clock.now())}))
    return person


def next_number() -> str:
    """A North American phone number that no test has used yet."""
    return f"+1415{secrets.randbelow(8_000_000) + 2_000_000}"


def _contact(admin: Person) -> str:
    return f"/api/contacts/{admin.post('/api/contacts', {'e164': next_number(), 'display_name': 'Grace'}).json()['id']}"


def _backfill(admin: Person) -> str:
    admin.post("/api/contacts/backfill")
    return "/api/contacts/backfill"


def _block(admin: Person) -> str:
    made = admin.post("/api/blocklist", {"e164": next_number()}).json()
    return f"/api/blocklist/{made['blocked_number']['id']}"


def _invite(admin: Person) -> str:
    made = admin.post("/api/team/invites", {"email": f"{secrets.token_hex(6)}@example.com"}).json()
    return f"/api/team/invites/{made['invite']['id']}"


def _member(org: Console) -> str:
    return f"/api/team/members/{org.another(Role.VIEWER).user.id}"


#: For each operation: makes a request that an admin may make in an organization. Each call makes a new request.
GOOD: dict[str, Callable[[Console], Ask]] = {
    "getCurrentUser": lambda _: Ask("GET", "/api/me"),
    "switchOrg": lambda org: Ask("POST", "/api/session/org", {"org_id": org.org_id}),
    "createOrg": lambda _: Ask("POST", "/api/orgs", {"name": "Another"}),
    "getCurrentOrg": lambda _: Ask("GET", "/api/orgs/current"),
    "updateCurrentOrg": lambda _: Ask("PATCH", "/api/orgs/current", {"name": "Tests", "contact_name": "Ada"}),
    "listTeam": lambda _: Ask("GET", "/api/team"),
    "createTeamInvite": lambda _: Ask(
        "POST", "/api/team/invites", {"email": f"{secrets.token_hex(6)}@example.com", "role": "viewer"}
    ),
    "revokeTeamInvite": lambda org: Ask("DELETE", _invite(org.admin)),
    "updateTeamMemberRole": lambda org: Ask("PATCH", _member(org), {"role": "operator"}),
    "removeTeamMember": lambda org: Ask("DELETE", _member(org)),
    "listContacts": lambda _: Ask("GET", "/api/contacts"),
    "upsertContact": lambda _: Ask("POST", "/api/contacts", {"e164": next_number(), "display_name": "Grace"}),
    "updateContact": lambda org: Ask("PATCH", _contact(org.admin), {"role": "nurse"}),
    "deleteContact": lambda org: Ask("DELETE", _contact(org.admin)),
    "backfillContacts": lambda _: Ask("POST", "/api/contacts/backfill"),
    "getContactsBackfill": lambda org: Ask("GET", _backfill(org.admin)),
    "listBlockedNumbers": lambda _: Ask("GET", "/api/blocklist"),
    "createBlockedNumber": lambda _: Ask("POST", "/api/blocklist", {"e164": next_number(), "reason": "asked"}),
    "deleteBlockedNumber": lambda org: Ask("DELETE", _block(org.admin)),
}


def _leaving(person: Person) -> Ask:
    org = another_place(person, Role.VIEWER)
    assert person.post("/api/session/org", {"org_id": org.org_id}).status_code == 200
    return Ask("POST", "/api/team/leave")


#: For each operation on the person: makes a request that any person may make, independent of role.
OWN: dict[str, Callable[[Person], Ask]] = {
    "listOwnInvites": lambda _: Ask("GET", "/api/invites"),
    "acceptInvite": lambda person: Ask("POST", f"/api/invites/{invite_by_new_admin(person)[0].id}/accept"),
    "declineInvite": lambda person: Ask("POST", f"/api/invites/{invite_by_new_admin(person)[0].id}/decline"),
    "leaveTeam": _leaving,
}
#: Operations after which the session points to another organization.
TURNING = ("createOrg", "leaveTeam")


def ask_for(name: str, org: Console, person: Person) -> Ask:
    """A request of an operation that the person may make in the organization."""
    return OWN[name](person) if name in OWN else GOOD[name](org)


#: Operations whose path names an object of the organization. Another organization gets 404 for it.
NAMING = (
    *("revokeTeamInvite", "updateTeamMemberRole", "removeTeamMember", "updateContact", "deleteContact"),
    *("deleteBlockedNumber", "switchOrg"),
)
