"""Invites: creating them, and accepting or declining them."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.aws.writes import Delete, commit, write_item
from switchboard.errors import Conflict, Invalid, NotFound, QuotaExceeded, RateLimited
from switchboard.kit import clock, texts
from switchboard.people.models import User
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team import invite_mail, invite_store, invites, members, memberships, pending_invites, store
from switchboard.team.models import Invite, Member
from switchboard.team.permissions import Role
from tests.actors import member, person, system, tenant
from tests.unit.team.conftest import accept_invite, invite_and_join, list_events, list_pending, list_team_event_types


def invite_from_organization(name: str, email: str = "grace@example.com") -> Invite:
    """An invite of another organization."""
    return invite_and_join(member(tenant(name).org_id, name=name.title()), email)


def test_signing_in_joins_nothing_by_itself(admin: Member) -> None:
    made = invite_and_join(admin)
    grace = person("Grace")
    assert pending_invites.choose_first_organization(grace) is None
    assert memberships.list_organizations_of(grace.id) == []
    assert list_pending(grace) == [made.id]


def test_an_invite_is_accepted_by_the_person_with_the_verified_address(admin: Member) -> None:
    made = invite_and_join(admin, "Grace@Example.com")
    assert members.list_team(admin.org_id).invites == [made]
    grace = person("Grace", "grace@EXAMPLE.com")
    assert accept_invite(grace, made) == admin.org_id
    found = members.list_team(admin.org_id)
    assert [(one.name, one.role) for one in found.members] == [("Ada", Role.ADMIN), ("Grace", Role.VIEWER)]
    assert found.invites == []
    with pytest.raises(NotFound):
        accept_invite(grace, made)
    assert [place.organization.id for place in memberships.list_organizations_of(grace.id)] == [admin.org_id]
    assert {"team.invited", "team.member_joined"} <= set(list_team_event_types(admin.org_id))


@pytest.mark.parametrize(
    "answer", [accept_invite, lambda user, made: pending_invites.decline_invite(user, made.id, "corr_1")]
)
def test_an_invite_works_for_its_address_only(admin: Member, answer: Any) -> None:
    made = invite_and_join(admin)
    for stranger in (
        person("Eve"),
        person("Grace", verified=False),
        person("Nobody").model_copy(update={"email": None}),
        person("Odd").model_copy(update={"email": "no address"}),
    ):
        assert list_pending(stranger) == []
        with pytest.raises(NotFound):
            answer(stranger, made)
    for unknown in ("inv_" + "0" * 26, "mails#2026-01-15", "x", "x" * 2_000):
        with pytest.raises(NotFound):
            answer(person("Grace"), made.model_copy(update={"id": unknown}))
    assert members.list_team(admin.org_id).invites == [made]


def test_a_declined_invite_ends_and_its_organization_sends_no_more_mail(
    admin: Member, frozen: clock.FrozenClock
) -> None:
    made, grace = invite_and_join(admin), person("Grace")
    effect = IdempotencyKey(scope="user", key="k", fingerprint="f")
    for _ in range(2):
        pending_invites.decline_invite(grace, made.id, "corr_1", effect)
    assert list_pending(grace) == []
    assert members.list_team(admin.org_id).invites == []
    assert list_team_event_types(admin.org_id).count("team.invite_declined") == 1
    frozen.advance(seconds=invite_mail.DECLINED_SECONDS - 1)
    with pytest.raises(RateLimited) as refusal:
        invite_and_join(admin)
    assert refusal.value.details["retry_after"] == 2
    assert list_pending(grace) == []
    frozen.advance(seconds=1)
    later = invite_and_join(admin)
    assert list_pending(grace) == [later.id]


def test_pending_invites_are_listed_newest_first_with_their_organizations(admin: Member) -> None:
    grace = person("Grace")
    made = [invite_and_join(admin), invite_from_organization("beta"), invite_from_organization("gamma")]
    found = pending_invites.list_pending_invites(grace)
    assert [one.invite for one in found.newest] == made[::-1]
    assert [one.organization.name for one in found.newest] == ["Gamma", "Beta", "Acme"]
    assert found.total == 3


def create_invites(number: int, admin: Member, address: str = "grace@example.com") -> list[Invite]:
    """Open invites of an address, without the limits that would refuse them."""
    made = []
    for _ in range(number):
        invite, writes = invites.invite_writes(admin, admin.organization, "Ada", address, Role.VIEWER)
        del writes
        commit(invite_store.invite_writes(invite))
        made.append(invite)
    return made


def test_listed_and_counted_invites_are_bounded(admin: Member) -> None:
    made = create_invites(pending_invites.MAX_INVITES_COUNTED + 5, admin)
    found = pending_invites.list_pending_invites(person("Grace"))
    assert [one.invite.id for one in found.newest] == [
        one.id for one in made[: -pending_invites.MAX_INVITES_SHOWN - 1 : -1]
    ]
    assert found.total == pending_invites.MAX_INVITES_COUNTED


def test_old_invites_hide_no_open_one(admin: Member, frozen: clock.FrozenClock) -> None:
    # The organization with the smallest id is always read first, with its dead pointers.
    create_invites(120, admin)
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    grace, late = person("Grace"), invite_from_organization("zeta")
    assert list_pending(grace) == [late.id]
    assert accept_invite(grace, late) == late.org_id


def test_invites_of_missing_or_suspended_organizations_are_hidden_and_do_not_block(admin: Member) -> None:
    mine, grace = invite_and_join(admin), person("Grace")
    gone, suspended = invite_from_organization("gone"), invite_from_organization("suspended")
    write_item(Delete(table="core", key=organizations.organization_ref(gone.org_id).key))
    organizations.set_status(system(suspended.org_id), "suspended")
    for one in create_invites(60, member(tenant("erased").org_id, name="Eve")):
        write_item(Delete(table="core", key=store.invite_ref(one.org_id, one.id).key))
    assert list_pending(grace) == [mine.id]
    assert pending_invites.list_pending_invites(grace).total == 1
    for one in (gone, suspended):
        with pytest.raises(NotFound):
            accept_invite(grace, one)
    assert accept_invite(grace, mine) == admin.org_id


def test_a_newly_suspended_organization_gets_no_member(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    made, grace = invite_and_join(admin), person("Grace")
    read = pending_invites._own_invite(grace, made.id)
    organizations.set_status(system(admin.org_id), "suspended")
    monkeypatch.setattr(pending_invites, "_own_invite", lambda *_: read)
    with pytest.raises(NotFound):
        accept_invite(grace, made)
    assert memberships.list_organizations_of(grace.id) == []


def test_a_pointer_has_an_expiry_for_dynamodb(admin: Member) -> None:
    made = invite_and_join(admin)
    digest = texts.digest("grace@example.com")
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
    assert "expires" not in invite  # it still counts: the next invite deletes it


def test_a_repeated_acceptance_returns_the_first(admin: Member) -> None:
    made, grace = invite_and_join(admin), person("Grace")
    effect = IdempotencyKey(scope="user", key="k", fingerprint="f")
    assert [accept_invite(grace, made, effect) for _ in range(2)] == [admin.org_id] * 2
    assert list_team_event_types(admin.org_id).count("team.member_joined") == 2  # The events of Ada and of this person.
    members.remove_member(admin, grace.id)
    with pytest.raises(NotFound):
        accept_invite(grace, made, effect)


def test_a_member_who_accepts_keeps_their_role(admin: Member) -> None:
    made = invite_and_join(admin, "other@example.com", Role.VIEWER)
    same = admin.user.model_copy(update={"email": "other@example.com"})
    assert pending_invites.accept_invite(same, made.id, "corr_1").role is Role.ADMIN
    found = members.list_team(admin.org_id)
    assert [one.role for one in found.members] == [Role.ADMIN]
    assert found.invites == []
    counted = reads.get_item("core", {"pk": admin.org_id, "sk": "team"})
    assert counted is not None
    assert (counted["members"], counted["invites"]) == (1, 0)


def test_the_link_lets_a_newcomer_join(admin: Member) -> None:
    made, grace = invite_and_join(admin), person("Grace")
    assert pending_invites.choose_first_organization(grace, made.id) == admin.org_id
    assert pending_invites.choose_first_organization(grace, made.id) == admin.org_id  # a second click
    assert list_team_event_types(admin.org_id).count("team.member_joined") == 2


def test_the_link_of_an_invite_for_another_person_does_not_work(admin: Member, frozen: clock.FrozenClock) -> None:
    made = invite_and_join(admin)
    for stranger in (person("Eve"), person("Grace", verified=False)):
        assert pending_invites.choose_first_organization(stranger, made.id) is None
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    assert pending_invites.choose_first_organization(person("Grace"), made.id) is None
    assert [one.name for one in members.list_team(admin.org_id).members] == ["Ada"]


def test_a_link_does_not_move_a_member_of_another_organization(admin: Member) -> None:
    # Another site can send a browser to any link, and the issuer may know the person.
    accept_invite(grace := person("Grace"), invite_and_join(admin))
    for name in ("beta", "gamma"):
        assert pending_invites.choose_first_organization(grace, invite_from_organization(name).id) == admin.org_id
    assert len(memberships.list_organizations_of(grace.id)) == 1
    assert len(list_pending(grace)) == 2


def test_nobody_else_can_fill_a_persons_organizations(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 2)
    grace = person("Grace")
    for name in ("evil", "worse", "worst"):
        invite_from_organization(name)
        pending_invites.choose_first_organization(grace)
    assert memberships.list_organizations_of(grace.id) == []
    assert accept_invite(grace, invite_and_join(admin)) == admin.org_id


def test_invites_and_members_are_limited(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invites, "MAX_OPEN_INVITES", 1)
    made = invite_and_join(admin)
    with pytest.raises(QuotaExceeded) as refusal:
        invite_and_join(admin, "second@example.com")
    assert refusal.value.code == "invite_limit"
    monkeypatch.setattr(members, "MAX_MEMBERS", 1)
    with pytest.raises(QuotaExceeded) as refusal:
        accept_invite(person("Grace"), made)
    assert refusal.value.code == "member_limit"
    assert len(members.list_team(admin.org_id).invites) == 1
    monkeypatch.setattr(members, "MAX_MEMBERS", 2)
    assert accept_invite(person("Grace"), made) == admin.org_id
    assert invite_and_join(admin, "second@example.com")


def test_a_person_with_too_many_organizations_accepts_once_they_have_left_one(
    admin: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, grace = invite_and_join(admin), invite_from_organization("beta"), person("Grace")
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 1)
    accept_invite(grace, first)
    with pytest.raises(QuotaExceeded) as refusal:
        accept_invite(grace, second)
    assert refusal.value.code == "organization_limit"
    members.leave_organization(grace, admin.org_id, "corr_1")
    assert accept_invite(grace, second) == second.org_id


def test_expired_invites_make_room(admin: Member, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invites, "MAX_OPEN_INVITES", 3)
    for name in ("one", "two", "three"):
        invite_and_join(admin, f"{name}@example.com")
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    monkeypatch.setattr(invites, "_MAX_STALE_DELETES", 2)
    for name in ("four", "five", "six"):
        invite_and_join(admin, f"{name}@example.com")
    with pytest.raises(QuotaExceeded):
        invite_and_join(admin, "seven@example.com")
    assert len(store.get_team(admin.org_id)[1]) == 3


def test_an_invite_expires_and_makes_room_for_another(admin: Member, frozen: clock.FrozenClock) -> None:
    first = invite_and_join(admin)
    with pytest.raises(Conflict) as refusal:
        invite_and_join(admin)
    assert refusal.value.code == "already_invited"
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    assert members.list_team(admin.org_id).invites == []
    with pytest.raises(NotFound):
        accept_invite(person("Grace"), first)
    with pytest.raises(NotFound):
        invites.revoke_invite(admin, first.id)
    second = invite_and_join(admin, role=Role.OPERATOR)
    assert members.list_team(admin.org_id).invites == [second]
    assert accept_invite(person("Grace"), second) == admin.org_id


def test_a_revoked_invite_cannot_be_accepted(admin: Member, frozen: clock.FrozenClock) -> None:
    made = invite_and_join(admin)
    invites.revoke_invite(admin, made.id)
    with pytest.raises(NotFound):
        invites.revoke_invite(admin, made.id)
    assert list_pending(person("Grace")) == []
    with pytest.raises(NotFound):
        accept_invite(person("Grace"), made)
    frozen.advance(seconds=invite_mail.COOLDOWN_SECONDS)
    assert invite_and_join(admin).id != made.id


def test_the_address_of_a_member_is_not_invited(admin: Member) -> None:
    with pytest.raises(Conflict) as refusal:
        invite_and_join(admin, "ADA@example.com")
    assert refusal.value.code == "already_member"


def test_known_and_unknown_addresses_are_invited_alike(admin: Member) -> None:
    person("Known", "known@example.com")
    known, stranger = invite_and_join(admin, "known@example.com"), invite_and_join(admin, "stranger@example.com")
    assert known.model_dump(exclude={"id", "email"}) == stranger.model_dump(exclude={"id", "email"})


def test_a_repeated_invite_returns_the_first(admin: Member) -> None:
    effect = IdempotencyKey(scope="user", key="k", fingerprint="f")
    made = invite_and_join(admin, effect=effect)
    assert invite_and_join(admin, effect=effect) == made
    invites.revoke_invite(admin, made.id, other := IdempotencyKey(scope="user", key="k2", fingerprint="f"))
    invites.revoke_invite(admin, made.id, other)
    with pytest.raises(NotFound):
        invite_and_join(admin, effect=effect)


@pytest.mark.parametrize("address", ["", "grace", "grace@", "@example.com", "a b@example.com", "grace@exa\nmple.com"])
def test_an_invalid_address_is_not_invited(admin: Member, address: str) -> None:
    with pytest.raises(Invalid):
        invite_and_join(admin, address)


def test_events_of_a_team_hold_no_address(admin: Member) -> None:
    user: User = person("Grace")
    accept_invite(user, invite_and_join(admin))
    found = list_events(admin.org_id)
    assert {"team.invited", "team.member_joined", "email.queued"} <= {event.type for event in found}
    assert not any("grace" in event.model_dump_json().lower() for event in found)
