"""People at the console: organizations with somebody in every role."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

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
        return replace(ask, headers=ask.headers | self.headers).send(self.http)

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
    org = organizations.new_organization("Tests", f"tests-{secrets.token_hex(6)}", plan)
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
    org = organizations.new_organization("Inviting", f"inviting-{secrets.token_hex(6)}", PlanName.SCALE)
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
