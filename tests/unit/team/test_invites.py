"""Invites: who makes them, and who chooses."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.aws import writes as aws_writes
from switchboard.errors import Conflict, Invalid, NotFound, QuotaExceeded, RateLimited
from switchboard.kit import clock, hashing
from switchboard.people.models import User
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team import invite_mail, invite_store, invites, members, memberships, pending_invites, store
from switchboard.team.models import Invite, Member
from switchboard.team.permissions import Role
from tests.actors import member, person, system, tenant
from tests.unit.team.conftest import accept, happened, invited, pending, told


def inviting(name: str, email: str = "grace@example.com") -> Invite:
    """An invite of another organization."""
    return invited(member(tenant(name).org_id, name=name.title()), email)


# ---- the person chooses


def test_signing_in_joins_nothing_by_itself(admin: Member) -> None:
    made = invited(admin)
    grace = person("Grace")
    assert pending_invites.choose_first_organization(grace) is None
    assert memberships.list_organizations_of(grace.id) == []
    assert pending(grace) == [made.id]


def test_an_invite_is_accepted_by_the_one_who_verifies_the_address(admin: Member) -> None:
    made = invited(admin, "Grace@Example.com")
    assert members.list_team(admin.org_id).invites == [made]
    grace = person("Grace", "grace@EXAMPLE.com")
    assert accept(grace, made) == admin.org_id
    found = members.list_team(admin.org_id)
    assert [(one.name, one.role) for one in found.members] == [("Ada", Role.ADMIN), ("Grace", Role.VIEWER)]
    assert found.invites == []
    with pytest.raises(NotFound):
        accept(grace, made)
    assert [place.organization.id for place in memberships.list_organizations_of(grace.id)] == [admin.org_id]
    assert {"team.invited", "team.member_joined"} <= set(happened(admin.org_id))


@pytest.mark.parametrize("answer", [accept, lambda user, made: pending_invites.decline_invite(user, made.id, "corr_1")])
def test_an_invite_is_for_its_address_alone(admin: Member, answer: Any) -> None:
    made = invited(admin)
    for stranger in (
        person("Eve"),
        person("Grace", verified=False),
        person("Nobody").model_copy(update={"email": None}),
        person("Odd").model_copy(update={"email": "no address"}),
    ):
        assert pending(stranger) == []
        with pytest.raises(NotFound):
            answer(stranger, made)
    for unknown in ("inv_" + "0" * 26, "mails#2026-01-15", "x", "x" * 2_000):
        with pytest.raises(NotFound):
            answer(person("Grace"), made.model_copy(update={"id": unknown}))
    assert members.list_team(admin.org_id).invites == [made]


def test_an_invite_that_is_declined_ends_and_its_organization_writes_no_more(
    admin: Member, frozen: clock.FrozenClock
) -> None:
    made, grace = invited(admin), person("Grace")
    effect = IdempotencyKey(scope="user", key="k", fingerprint="f")
    for _ in range(2):
        pending_invites.decline_invite(grace, made.id, "corr_1", effect)
    assert pending(grace) == []
    assert members.list_team(admin.org_id).invites == []
    assert happened(admin.org_id).count("team.invite_declined") == 1
    frozen.advance(seconds=invite_mail.DECLINED_SECONDS - 1)
    with pytest.raises(RateLimited) as refusal:
        invited(admin)
    assert refusal.value.details["retry_after"] == 2
    assert pending(grace) == []
    frozen.advance(seconds=1)
    later = invited(admin)
    assert pending(grace) == [later.id]


def test_pending_invites_are_the_newest_with_their_organizations(admin: Member) -> None:
    grace = person("Grace")
    made = [invited(admin), inviting("beta"), inviting("gamma")]
    found = pending_invites.list_pending_invites(grace)
    assert [one.invite for one in found.newest] == made[::-1]
    assert [one.organization.name for one in found.newest] == ["Gamma", "Beta", "Acme"]
    assert found.total == 3


def flood(number: int, admin: Member, address: str = "grace@example.com") -> list[Invite]:
    """So many open invites of an address, without the limits that keep it from getting them."""
    made = []
    for _ in range(number):
        invite, writes = invites.invite_writes(admin, admin.organization, "Ada", address, Role.VIEWER)
        del writes
        aws_writes.commit(invite_store.invite_writes(invite))
        made.append(invite)
    return made


def test_what_is_shown_and_counted_is_bounded(admin: Member) -> None:
    made = flood(pending_invites.MAX_INVITES_COUNTED + 5, admin)
    found = pending_invites.list_pending_invites(person("Grace"))
    assert [one.invite.id for one in found.newest] == [
        one.id for one in made[: -pending_invites.MAX_INVITES_SHOWN - 1 : -1]
    ]
    assert found.total == pending_invites.MAX_INVITES_COUNTED


def test_old_invites_hide_no_open_one(admin: Member, frozen: clock.FrozenClock) -> None:
    # The organization with the smallest id was read first, and its dead pointers for ever.
    flood(120, admin)
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    grace, late = person("Grace"), inviting("zeta")
    assert pending(grace) == [late.id]
    assert accept(grace, late) == late.org_id


def test_invites_of_organizations_that_are_gone_or_suspended_do_not_show_and_do_not_block(admin: Member) -> None:
    mine, grace = invited(admin), person("Grace")
    gone, suspended = inviting("gone"), inviting("suspended")
    aws_writes.write_item(aws_writes.Delete(table="core", key=organizations.organization_ref(gone.org_id).key))
    organizations.set_status(system(suspended.org_id), "suspended")
    for one in flood(60, member(tenant("erased").org_id, name="Eve")):
        aws_writes.write_item(aws_writes.Delete(table="core", key=store.invite_ref(one.org_id, one.id).key))
    assert pending(grace) == [mine.id]
    assert pending_invites.list_pending_invites(grace).total == 1
    for one in (gone, suspended):
        with pytest.raises(NotFound):
            accept(grace, one)
    assert accept(grace, mine) == admin.org_id


def test_an_organization_that_is_suspended_meanwhile_gets_no_member(
    admin: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, grace = invited(admin), person("Grace")
    read = pending_invites._own_invite(grace, made.id)
    organizations.set_status(system(admin.org_id), "suspended")
    monkeypatch.setattr(pending_invites, "_own_invite", lambda *_: read)
    with pytest.raises(NotFound):
        accept(grace, made)
    assert memberships.list_organizations_of(grace.id) == []


def test_a_pointer_carries_the_moment_when_dynamodb_may_delete_it(admin: Member) -> None:
    made = invited(admin)
    digest = hashing.digest("grace@example.com")
    over = int(clock.parse(made.expires_at).timestamp())
    for key in (
        {"pk": f"invitee#{digest}", "sk": made.id},
        {"pk": admin.org_id, "sk": f"invited#{digest}"},
    ):
        item = reads.get_item("core", key)
        assert item is not None
        assert over <= item["expires"] <= over + 86_400
    invite = reads.get_item("core", store.invite_ref(admin.org_id, made.id).key)
    assert invite is not None
    assert "expires" not in invite  # it is counted: it goes with the next invite


def test_a_repeated_acceptance_is_the_first_one(admin: Member) -> None:
    made, grace = invited(admin), person("Grace")
    effect = IdempotencyKey(scope="user", key="k", fingerprint="f")
    assert [accept(grace, made, effect) for _ in range(2)] == [admin.org_id] * 2
    assert happened(admin.org_id).count("team.member_joined") == 2  # Ada's and this one
    members.remove_member(admin, grace.id)
    with pytest.raises(NotFound):
        accept(grace, made, effect)


def test_whoever_is_in_already_keeps_their_role(admin: Member) -> None:
    made = invited(admin, "other@example.com", Role.VIEWER)
    same = admin.user.model_copy(update={"email": "other@example.com"})
    assert pending_invites.accept_invite(same, made.id, "corr_1").role is Role.ADMIN
    found = members.list_team(admin.org_id)
    assert [one.role for one in found.members] == [Role.ADMIN]
    assert found.invites == []
    counted = reads.get_item("core", {"pk": admin.org_id, "sk": "team"})
    assert counted is not None
    assert (counted["members"], counted["invites"]) == (1, 0)


# ---- the link of the mail


def test_the_link_lets_a_newcomer_join(admin: Member) -> None:
    made, grace = invited(admin), person("Grace")
    assert pending_invites.choose_first_organization(grace, made.id) == admin.org_id
    assert pending_invites.choose_first_organization(grace, made.id) == admin.org_id  # a second click
    assert happened(admin.org_id).count("team.member_joined") == 2


def test_the_link_of_anothers_invite_lets_nobody_join(admin: Member, frozen: clock.FrozenClock) -> None:
    made = invited(admin)
    for stranger in (person("Eve"), person("Grace", verified=False)):
        assert pending_invites.choose_first_organization(stranger, made.id) is None
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    assert pending_invites.choose_first_organization(person("Grace"), made.id) is None
    assert [one.name for one in members.list_team(admin.org_id).members] == ["Ada"]


def test_a_link_takes_nobody_away_who_belongs_somewhere(admin: Member) -> None:
    # Another site can send a browser, whose issuer knows the person, to any link.
    accept(grace := person("Grace"), invited(admin))
    for name in ("beta", "gamma"):
        assert pending_invites.choose_first_organization(grace, inviting(name).id) == admin.org_id
    assert len(memberships.list_organizations_of(grace.id)) == 1
    assert len(pending(grace)) == 2


def test_nobody_else_can_fill_a_persons_organizations(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 2)
    grace = person("Grace")
    for name in ("evil", "worse", "worst"):
        inviting(name)
        pending_invites.choose_first_organization(grace)
    assert memberships.list_organizations_of(grace.id) == []
    assert accept(grace, invited(admin)) == admin.org_id


# ---- limits


def test_invites_and_members_are_limited(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invites, "MAX_OPEN_INVITES", 1)
    made = invited(admin)
    with pytest.raises(QuotaExceeded) as refusal:
        invited(admin, "second@example.com")
    assert refusal.value.code == "invite_limit"
    monkeypatch.setattr(members, "MAX_MEMBERS", 1)
    with pytest.raises(QuotaExceeded) as refusal:
        accept(person("Grace"), made)
    assert refusal.value.code == "member_limit"
    assert len(members.list_team(admin.org_id).invites) == 1
    monkeypatch.setattr(members, "MAX_MEMBERS", 2)
    assert accept(person("Grace"), made) == admin.org_id
    assert invited(admin, "second@example.com")


def test_a_person_with_too_many_organizations_accepts_once_they_have_left_one(
    admin: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, grace = invited(admin), inviting("beta"), person("Grace")
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 1)
    accept(grace, first)
    with pytest.raises(QuotaExceeded) as refusal:
        accept(grace, second)
    assert refusal.value.code == "organization_limit"
    members.leave_organization(grace, admin.org_id, "corr_1")
    assert accept(grace, second) == second.org_id


def test_invites_that_are_over_make_room(
    admin: Member, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invites, "MAX_OPEN_INVITES", 3)
    for name in ("one", "two", "three"):
        invited(admin, f"{name}@example.com")
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    monkeypatch.setattr(invites, "_MAX_STALE_DELETES", 2)
    for name in ("four", "five", "six"):
        invited(admin, f"{name}@example.com")
    with pytest.raises(QuotaExceeded):
        invited(admin, "seven@example.com")
    assert len(store.get_team(admin.org_id)[1]) == 3


# ---- of an organization


def test_an_invite_ends_by_itself_and_makes_room_for_another(admin: Member, frozen: clock.FrozenClock) -> None:
    first = invited(admin)
    with pytest.raises(Conflict) as refusal:
        invited(admin)
    assert refusal.value.code == "already_invited"
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    assert members.list_team(admin.org_id).invites == []
    with pytest.raises(NotFound):
        accept(person("Grace"), first)
    with pytest.raises(NotFound):
        invites.revoke_invite(admin, first.id)
    second = invited(admin, role=Role.OPERATOR)
    assert members.list_team(admin.org_id).invites == [second]
    assert accept(person("Grace"), second) == admin.org_id


def test_a_revoked_invite_lets_nobody_in(admin: Member, frozen: clock.FrozenClock) -> None:
    made = invited(admin)
    invites.revoke_invite(admin, made.id)
    with pytest.raises(NotFound):
        invites.revoke_invite(admin, made.id)
    assert pending(person("Grace")) == []
    with pytest.raises(NotFound):
        accept(person("Grace"), made)
    frozen.advance(seconds=invite_mail.COOLDOWN_SECONDS)
    assert invited(admin).id != made.id


def test_the_address_of_a_member_is_not_invited(admin: Member) -> None:
    with pytest.raises(Conflict) as refusal:
        invited(admin, "ADA@example.com")
    assert refusal.value.code == "already_member"


def test_a_stranger_and_somebody_known_are_invited_alike(admin: Member) -> None:
    person("Known", "known@example.com")
    known, stranger = invited(admin, "known@example.com"), invited(admin, "stranger@example.com")
    assert known.model_dump(exclude={"id", "email"}) == stranger.model_dump(exclude={"id", "email"})


def test_a_repeated_invite_is_the_first_one(admin: Member) -> None:
    effect = IdempotencyKey(scope="user", key="k", fingerprint="f")
    made = invited(admin, effect=effect)
    assert invited(admin, effect=effect) == made
    invites.revoke_invite(admin, made.id, other := IdempotencyKey(scope="user", key="k2", fingerprint="f"))
    invites.revoke_invite(admin, made.id, other)
    with pytest.raises(NotFound):
        invited(admin, effect=effect)


@pytest.mark.parametrize("address", ["", "grace", "grace@", "@example.com", "a b@example.com", "grace@exa\nmple.com"])
def test_what_is_no_address_is_not_invited(admin: Member, address: str) -> None:
    with pytest.raises(Invalid):
        invited(admin, address)


def test_events_of_a_team_hold_no_address(admin: Member) -> None:
    user: User = person("Grace")
    accept(user, invited(admin))
    found = told(admin.org_id)
    assert {"team.invited", "team.member_joined", "email.queued"} <= {event.type for event in found}
    assert not any("grace" in event.model_dump_json().lower() for event in found)
