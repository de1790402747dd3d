"""Members and roles."""

from __future__ import annotations

import pytest

from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.errors import Conflict, Contended, Forbidden, NotFound
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team import invites, members, memberships, store
from switchboard.team.models import Member
from switchboard.team.permissions import PERMISSIONS, Permission, Role, roles_with
from tests.actors import member, system, tenant
from tests.unit.team.conftest import accept_invite, invite_and_join, list_events, list_team_event_types


def test_an_admin_may_do_everything_and_a_viewer_changes_nothing() -> None:
    assert PERMISSIONS[Role.ADMIN] == frozenset(Permission)
    assert all(permission.endswith(".read") for permission in PERMISSIONS[Role.VIEWER])
    assert PERMISSIONS[Role.VIEWER] < PERMISSIONS[Role.OPERATOR] < PERMISSIONS[Role.ADMIN]
    assert Permission.TEAM_WRITE not in PERMISSIONS[Role.OPERATOR]
    assert roles_with(Permission.CONTACTS_WRITE) == [Role.ADMIN, Role.OPERATOR]


def test_members_are_listed_by_name(admin: Member) -> None:
    member(admin.org_id, Role.VIEWER, "Zoe")
    member(admin.org_id, Role.OPERATOR, "bob")
    assert [(one.name, one.role) for one in members.list_team(admin.org_id).members] == [
        ("Ada", Role.ADMIN),
        ("bob", Role.OPERATOR),
        ("Zoe", Role.VIEWER),
    ]


def test_organizations_have_separate_teams(admin: Member) -> None:
    other = member(tenant("other").org_id, name="Eve")
    for refused in (
        lambda: members.change_role(other, admin.user_id, Role.VIEWER),
        lambda: members.remove_member(other, admin.user_id),
        lambda: invites.revoke_invite(other, invite_and_join(admin).id),
    ):
        with pytest.raises(NotFound):
            refused()
    assert [one.user_id for one in members.list_team(other.org_id).members] == [other.user_id]


def test_a_role_change_is_recorded_in_the_chain(admin: Member) -> None:
    bob = member(admin.org_id, Role.VIEWER, "Bob")
    assert members.change_role(admin, bob.user_id, Role.OPERATOR).role is Role.OPERATOR
    assert {one.user_id: one.role for one in members.list_team(admin.org_id).members}[bob.user_id] is Role.OPERATOR
    assert list_team_event_types(admin.org_id).count("team.role_changed") == 1
    members.change_role(admin, bob.user_id, Role.OPERATOR)
    assert list_team_event_types(admin.org_id).count("team.role_changed") == 1


@pytest.mark.parametrize("away", [Role.OPERATOR, Role.VIEWER, None])
def test_the_last_admin_cannot_be_demoted(admin: Member, away: Role | None) -> None:
    member(admin.org_id, Role.OPERATOR, "Bob")
    with pytest.raises(Conflict) as refusal:
        members.change_role(admin, admin.user_id, away) if away else members.remove_member(admin, admin.user_id)
    assert refusal.value.code == "last_admin"
    assert {one.role for one in members.list_team(admin.org_id).members} == {Role.ADMIN, Role.OPERATOR}


def test_one_of_two_admins_may_go_and_then_the_other_may_not(admin: Member) -> None:
    bob = member(admin.org_id, Role.OPERATOR, "Bob")
    members.change_role(admin, bob.user_id, Role.ADMIN)
    members.remove_member(bob, admin.user_id)
    with pytest.raises(Conflict):
        members.change_role(bob, bob.user_id, Role.VIEWER)
    with pytest.raises(NotFound):
        members.remove_member(bob, admin.user_id)


def test_a_concurrent_role_change_is_read_again(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    bob = member(admin.org_id, Role.ADMIN, "Bob")
    read = store.get_member
    stale = [read(admin.org_id, bob.user_id)]
    members.change_role(admin, bob.user_id, Role.VIEWER)
    monkeypatch.setattr(store, "get_member", lambda *place: stale.pop() if stale else read(*place))
    members.remove_member(admin, bob.user_id)
    with pytest.raises(Conflict):  # the admins were counted with Bob's final role
        members.remove_member(admin, admin.user_id)


def test_endless_concurrent_changes_are_given_up(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    bob = member(admin.org_id, Role.ADMIN, "Bob")
    stale = store.get_member(admin.org_id, bob.user_id)
    members.change_role(admin, bob.user_id, Role.OPERATOR)
    monkeypatch.setattr(store, "get_member", lambda *_: stale)
    for refused in (
        lambda: members.change_role(admin, bob.user_id, Role.VIEWER),
        lambda: members.remove_member(admin, bob.user_id),
        lambda: members.leave_organization(bob.user, admin.org_id, "corr_1"),
    ):
        with pytest.raises(Contended):
            refused()


def test_a_repeated_request_changes_nothing_more(admin: Member) -> None:
    bob = member(admin.org_id, Role.VIEWER, "Bob")
    effect = IdempotencyKey(scope="user", key="k1", fingerprint="f")
    members.change_role(admin, bob.user_id, Role.OPERATOR, effect)
    members.change_role(admin, bob.user_id, Role.VIEWER)
    assert members.change_role(admin, bob.user_id, Role.OPERATOR, effect).role is Role.VIEWER
    removal = IdempotencyKey(scope="user", key="k2", fingerprint="f")
    members.remove_member(admin, bob.user_id, removal)
    members.remove_member(admin, bob.user_id, removal)
    assert list_team_event_types(admin.org_id).count("team.member_removed") == 1


@pytest.mark.parametrize("unknown", ["usr_" + "0" * 26, "x", "x" * 2_000, ""])
def test_an_invalid_member_id_is_not_found(admin: Member, unknown: str) -> None:
    for refused in (
        lambda: members.change_role(admin, unknown, Role.VIEWER),
        lambda: members.remove_member(admin, unknown),
        lambda: invites.revoke_invite(admin, unknown),
    ):
        with pytest.raises(NotFound):
            refused()


@pytest.mark.parametrize("role", list(Role))
def test_a_member_leaves_by_themselves(admin: Member, role: Role) -> None:
    bob = member(admin.org_id, role, "Bob")
    effect = IdempotencyKey(scope="user", key="k", fingerprint="f")
    for _ in range(2):  # a repeated request returns the first result
        members.leave_organization(bob.user, admin.org_id, "corr_1", effect)
    assert [one.user_id for one in members.list_team(admin.org_id).members] == [admin.user_id]
    assert memberships.list_organizations_of(bob.user_id) == []
    (left,) = [event for event in list_events(admin.org_id) if event.type == "team.member_left"]
    assert (left.actor.id, left.subject.id, left.data) == (bob.user_id, bob.user_id, {"role": role.value})
    for org_id in (admin.org_id, None):
        with pytest.raises(Forbidden) as refusal:
            members.leave_organization(bob.user, org_id, "corr_2")
        assert refusal.value.code == "no_organization"


def test_the_last_admin_cannot_leave(admin: Member) -> None:
    bob = member(admin.org_id, Role.VIEWER, "Bob")
    with pytest.raises(Conflict) as refusal:
        members.leave_organization(admin.user, admin.org_id, "corr_1")
    assert refusal.value.code == "last_admin"
    members.change_role(admin, bob.user_id, Role.ADMIN)
    members.leave_organization(admin.user, admin.org_id, "corr_1")
    assert [one.user_id for one in members.list_team(admin.org_id).members] == [bob.user_id]


def test_a_member_leaves_an_organization_that_is_suspended(admin: Member) -> None:
    bob = member(admin.org_id, Role.VIEWER, "Bob")
    organizations.set_status(system(admin.org_id), "suspended")
    members.leave_organization(bob.user, admin.org_id, "corr_1")
    assert memberships.list_organizations_of(bob.user_id) == []


def test_the_counts_match_the_lists(admin: Member) -> None:
    bob, eve = (member(admin.org_id, Role.ADMIN, name) for name in ("Bob", "Eve"))
    for name in ("one", "two", "three"):
        invite_and_join(admin, f"{name}@example.com")
    invites.revoke_invite(admin, members.list_team(admin.org_id).invites[0].id)
    accept_invite(member(tenant("t").org_id, name="One").user, members.list_team(admin.org_id).invites[-1])
    members.remove_member(admin, bob.user_id)
    members.leave_organization(eve.user, admin.org_id, "corr_1")
    counted, found = reads.get_item("core", {"pk": admin.org_id, "sk": "team"}), members.list_team(admin.org_id)
    assert counted is not None
    assert (counted["members"], counted["admins"], counted["invites"]) == (len(found.members), 1, len(found.invites))
    of_one = reads.get_item("core", {"pk": f"user#{found.members[-1].user_id}", "sk": "orgs"})
    assert of_one is not None
    assert of_one["places"] == 2
