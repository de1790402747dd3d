"""People and permissions: concurrent requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.aws import reads
from switchboard.errors import Conflict, DomainError
from switchboard.kit import clock
from switchboard.people.models import User
from switchboard.team import invite_mail, invites, members, memberships, pending_invites
from switchboard.team.models import Member, OrganizationRole
from switchboard.team.permissions import Role
from tests.actors import member, person, tenant
from tests.integration.concurrency.conftest import run_together
from tests.integration.people_faults.conftest import list_event_types


def test_admins_who_demote_each_other_concurrently_leave_one(engine_cloud: dict[str, str]) -> None:
    org_id = tenant().org_id
    admins = [member(org_id, Role.ADMIN, f"A{number}") for number in range(6)]
    pairs = zip(admins, [*admins[1:], admins[0]], strict=True)
    jobs = [
        (lambda one=one, other=other: members.change_role(one, other.user_id, Role.VIEWER))
        if place % 2
        else (lambda one=one, other=other: members.remove_member(one, other.user_id))
        for place, (one, other) in enumerate(pairs)
    ]
    outcomes = run_together(jobs)
    left = [one for one in members.list_team(org_id).members if one.role is Role.ADMIN]
    assert len(left) == 1
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(outcome) for outcome in refused] == [Conflict]
    counted = reads.get_item("core", {"pk": org_id, "sk": "team"})
    assert counted is not None
    assert (counted["members"], counted["admins"]) == (len(members.list_team(org_id).members), 1)


def test_accepting_and_revoking_an_invite_concurrently_has_one_outcome(engine_cloud: dict[str, str]) -> None:
    admin = member(tenant().org_id)
    for number in range(8):
        made = invites.create_invite(admin, admin.organization, "Ada", f"g{number}@example.com", Role.VIEWER)
        user = person(f"G{number}", f"g{number}@example.com")
        jobs: list[Callable[[], Any]] = [
            lambda made=made: invites.revoke_invite(admin, made.id),
            *[lambda user=user, made=made: pending_invites.accept_invite(user, made.id, "corr_1")] * 2,
        ]
        outcomes = run_together(jobs)
        joined = [outcome for outcome in outcomes[1:] if isinstance(outcome, OrganizationRole)]
        is_in = user.id in {one.user_id for one in members.list_team(admin.org_id).members}
        assert len(joined) == int(is_in)
        assert is_in == isinstance(outcomes[0], Exception)
        assert members.list_team(admin.org_id).invites == []


def test_concurrent_invites_of_an_address_make_one(engine_cloud: dict[str, str]) -> None:
    admin = member(tenant().org_id)
    jobs = [lambda: invites.create_invite(admin, admin.organization, "Ada", "grace@example.com", Role.VIEWER)] * 6
    outcomes = run_together(jobs)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)} == {"already_invited"}
    assert len(members.list_team(admin.org_id).invites) == 1


def list_refusal_codes(outcomes: list[Any]) -> set[str]:
    """The codes of the refusals among some outcomes. Each is a documented refusal."""
    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(outcome, DomainError) for outcome in failed), failed
    return {outcome.code for outcome in failed}


def list_results(outcomes: list[Any]) -> int:
    return sum(not isinstance(outcome, Exception) for outcome in outcomes)


def invite_address(admin: Member, email: str) -> Callable[[], Any]:
    return lambda: invites.create_invite(admin, admin.organization, "Ada", email, Role.VIEWER)


@pytest.mark.parametrize(
    ("module", "limit", "code"),
    [(invites, "MAX_OPEN_INVITES", "invite_limit"), (invite_mail, "MAX_DAILY_MAILS_PAID", "invite_mail_limit")],
)
def test_concurrent_invites_stay_within_the_limits_of_invites_and_mails(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, module: Any, limit: str, code: str
) -> None:
    monkeypatch.setattr(module, limit, 2)
    admin = member(tenant().org_id)
    outcomes = run_together([invite_address(admin, f"g{number}@example.com") for number in range(6)])
    assert (list_results(outcomes), list_refusal_codes(outcomes)) == (2, {code})
    assert len(members.list_team(admin.org_id).invites) == 2
    assert list_event_types(admin.org_id).count("email.queued") == 2


def test_concurrent_invites_stay_within_the_daily_mails_of_an_address(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invite_mail, "MAX_DAILY_MAILS_PER_MAILBOX", 2)
    admins = [member(tenant(f"t{number}").org_id, name=f"A{number}") for number in range(6)]
    outcomes = run_together([invite_address(admin, "grace@example.com") for admin in admins])
    assert (list_results(outcomes), list_refusal_codes(outcomes)) == (2, {"invite_mail_limit"})


def test_concurrent_invites_clear_expired_ones_once(engine_cloud: dict[str, str], frozen: clock.FrozenClock) -> None:
    admin = member(tenant().org_id)
    for number in range(5):
        invite_address(admin, f"old{number}@example.com")()
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    outcomes = run_together([invite_address(admin, f"g{number}@example.com") for number in range(6)])
    assert (list_results(outcomes), list_refusal_codes(outcomes)) == (6, set())
    counted = reads.get_item("core", {"pk": admin.org_id, "sk": "team"})
    assert counted is not None
    assert counted["invites"] == 6


def test_concurrent_joins_stay_within_a_persons_organizations(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 2)
    grace = person("Grace")
    admins = [member(tenant(f"t{number}").org_id, name=f"A{number}") for number in range(3)]
    made = [invite_address(admin, "grace@example.com")() for admin in admins]
    orgs = [organizations.new_organization(f"O{number}", f"o{number}", PlanName.FREE) for number in range(3)]
    jobs: list[Callable[[], Any]] = [
        *(lambda one=one: pending_invites.accept_invite(grace, one.id, "corr_1") for one in made),
        *(lambda org=org: memberships.create_organization(grace, org, "corr_1", None, lambda _: None) for org in orgs),
    ]
    outcomes = run_together(jobs)
    assert (list_results(outcomes), list_refusal_codes(outcomes)) == (2, {"organization_limit"})
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 50)
    assert len(memberships.list_organizations_of(grace.id)) == 2


def test_concurrent_joins_stay_within_an_organizations_members(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MAX_MEMBERS", 3)
    admin = member(tenant().org_id)
    made = [invite_address(admin, f"g{number}@example.com")() for number in range(6)]
    users = [person(f"G{number}", f"g{number}@example.com") for number in range(6)]
    outcomes = run_together(
        [
            lambda u=user, i=one: pending_invites.accept_invite(u, i.id, "corr_1")
            for user, one in zip(users, made, strict=True)
        ]
    )
    assert (list_results(outcomes), list_refusal_codes(outcomes)) == (2, {"member_limit"})
    assert len(members.list_team(admin.org_id).members) == 3
    assert len(members.list_team(admin.org_id).invites) == 4


def test_admins_who_leave_concurrently_leave_one(engine_cloud: dict[str, str]) -> None:
    org_id = tenant().org_id
    admins = [member(org_id, Role.ADMIN, f"A{number}") for number in range(6)]
    outcomes = run_together([lambda one=one: members.leave_organization(one.user, org_id, "corr_1") for one in admins])
    assert (list_results(outcomes), list_refusal_codes(outcomes)) == (5, {"last_admin"})
    assert [one.role for one in members.list_team(org_id).members] == [Role.ADMIN]


def test_accepting_and_declining_an_invite_concurrently_has_one_outcome(engine_cloud: dict[str, str]) -> None:
    admin = member(tenant().org_id)
    for number in range(4):
        made = invite_address(admin, f"g{number}@example.com")()
        user = person(f"G{number}", f"g{number}@example.com")
        jobs: list[Callable[[], Any]] = [
            lambda made=made, user=user: pending_invites.decline_invite(user, made.id, "corr_1"),
            lambda made=made, user=user: pending_invites.accept_invite(user, made.id, "corr_1"),
        ]
        outcomes = run_together(jobs * 2)
        assert (list_results(outcomes), list_refusal_codes(outcomes)) == (1, {"not_found"})
        accepted = any(isinstance(outcome, OrganizationRole) for outcome in outcomes)
        assert bool(memberships.list_organizations_of(user.id)) == accepted
    counted = reads.get_item("core", {"pk": admin.org_id, "sk": "team"})
    assert counted is not None
    assert counted["invites"] == 0


def test_a_newcomer_who_signs_in_with_several_tabs_is_one_person(engine_cloud: dict[str, str]) -> None:
    found = run_together([lambda: person("Grace")] * 6)
    assert len({user.id for user in found if isinstance(user, User)}) == 1
    assert not [outcome for outcome in found if isinstance(outcome, Exception)]
