"""The organizations of a person."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.errors import NotFound, QuotaExceeded
from switchboard.kit import clock
from switchboard.people import service as people
from switchboard.people import sessions
from switchboard.people.models import User
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team import members, memberships, pending_invites
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import ISSUER, member, person, tenant
from tests.unit.team.conftest import accept_invite, invite_and_join


def load_person(name: str) -> User:
    """A person in their current state."""
    found = people.find_user(ISSUER, f"{name.lower()}@example.com")
    assert found is not None
    return found


def create_organization_for(user: User, name: str, effect: IdempotencyKey | None = None) -> str:
    org = organizations.new_organization(name, name.lower(), PlanName.FREE)
    return memberships.create_organization(user, org, "corr_1", effect, lambda _: None).id


def test_the_creator_of_an_organization_is_its_admin(cloud: Any, frozen: clock.FrozenClock) -> None:
    ada = person()
    first = create_organization_for(ada, "Zebra")
    effect = IdempotencyKey(scope="user", key="k", fingerprint="f")
    second = create_organization_for(ada, "Ant", effect)
    assert create_organization_for(ada, "Ant", effect) == second
    assert [(place.organization.name, place.role) for place in memberships.list_organizations_of(ada.id)] == [
        ("Ant", Role.ADMIN),
        ("Zebra", Role.ADMIN),
    ]
    assert pending_invites.choose_first_organization(ada) == second
    assert memberships.get_organization_role(ada.id, first).role is Role.ADMIN
    with pytest.raises(NotFound):
        memberships.get_organization_role(ada.id, tenant().org_id)


def test_the_organizations_of_a_person_are_limited(
    cloud: Any, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 1)
    ada = person()
    create_organization_for(ada, "A")
    with pytest.raises(QuotaExceeded) as refusal:
        create_organization_for(ada, "B")
    assert (refusal.value.code, refusal.value.details) == ("organization_limit", {"limit": 1})


def test_leaving_makes_room_for_another_organization(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 1)
    bob = member(admin.org_id, Role.VIEWER, "Bob")
    with pytest.raises(QuotaExceeded):
        create_organization_for(bob.user, "Own")
    members.leave_organization(bob.user, admin.org_id, "corr_1")
    own = create_organization_for(bob.user, "Own")
    assert [place.organization.id for place in memberships.list_organizations_of(bob.user_id)] == [own]


def test_a_person_starts_in_their_last_organization_while_they_are_a_member(admin: Member) -> None:
    grace = person("Grace")
    accept_invite(grace, invite_and_join(admin))
    other = member(tenant("aaa").org_id, name="Eve")
    accept_invite(grace, invite_and_join(other))
    sessions.switch_organization(sessions.open_session(grace, admin.org_id), other.org_id)
    assert pending_invites.choose_first_organization(load_person("Grace")) == other.org_id
    members.remove_member(other, grace.id)
    assert pending_invites.choose_first_organization(load_person("Grace")) == admin.org_id
