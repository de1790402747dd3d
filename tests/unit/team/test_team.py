"""Members, roles and invites."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.accounts import service as accounts
from switchboard.accounts.plans import PlanName
from switchboard.aws import clock, table
from switchboard.aws.effect import Effect
from switchboard.errors import Conflict, Invalid, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.people import service as people
from switchboard.people.models import User
from switchboard.team import service as team
from switchboard.team.models import Invite, Member
from switchboard.team.permissions import PERMISSIONS, Permission, Role, may, roles_with
from tests.actors import ISSUER, member, person, tenant


def told(org_id: str) -> list[Event]:
    """The organisation's events of these hours."""
    hour = timedelta(hours=1)
    return list(events.between(clock.iso(clock.now() - hour), clock.iso(clock.now() + hour), org_id))


def happened(org_id: str) -> list[str]:
    """The types of those that are about its team."""
    return [event.type for event in told(org_id) if event.type.startswith("team.")]


def known(name: str) -> User:
    """Somebody as they are now."""
    found = people.known(ISSUER, f"{name.lower()}@example.com")
    assert found is not None
    return found


def invited(admin: Member, email: str = "grace@example.com", role: Role = Role.VIEWER, **more: Any) -> Invite:
    return team.invite(admin, admin.organisation, admin.user.name, email, role, **more)


@pytest.fixture
def admin(cloud: Any, frozen: clock.Frozen) -> Member:
    return member(tenant().org_id)


def test_an_admin_may_do_everything_and_a_viewer_changes_nothing() -> None:
    assert PERMISSIONS[Role.ADMIN] == frozenset(Permission)
    assert all(permission.endswith(".read") for permission in PERMISSIONS[Role.VIEWER])
    assert PERMISSIONS[Role.VIEWER] < PERMISSIONS[Role.OPERATOR] < PERMISSIONS[Role.ADMIN]
    assert not may(Role.OPERATOR, Permission.TEAM_WRITE)
    assert roles_with(Permission.CONTACTS_WRITE) == [Role.ADMIN, Role.OPERATOR]


def test_members_are_listed_by_name(admin: Member) -> None:
    member(admin.org_id, Role.VIEWER, "Zoe")
    member(admin.org_id, Role.OPERATOR, "bob")
    assert [(one.name, one.role) for one in team.listing(admin.org_id).members] == [
        ("Ada", Role.ADMIN),
        ("bob", Role.OPERATOR),
        ("Zoe", Role.VIEWER),
    ]


def test_another_organisations_team_is_another_team(admin: Member) -> None:
    other = member(tenant("other").org_id, name="Eve")
    for refused in (
        lambda: team.change_role(other, admin.user_id, Role.VIEWER),
        lambda: team.remove(other, admin.user_id),
        lambda: team.revoke(other, invited(admin).id),
    ):
        with pytest.raises(NotFound):
            refused()
    assert [one.user_id for one in team.listing(other.org_id).members] == [other.user_id]


# ---- roles


def test_a_role_changes_and_the_chain_tells(admin: Member) -> None:
    bob = member(admin.org_id, Role.VIEWER, "Bob")
    assert team.change_role(admin, bob.user_id, Role.OPERATOR).role is Role.OPERATOR
    assert {one.user_id: one.role for one in team.listing(admin.org_id).members}[bob.user_id] is Role.OPERATOR
    assert happened(admin.org_id).count("team.role_changed") == 1
    team.change_role(admin, bob.user_id, Role.OPERATOR)
    assert happened(admin.org_id).count("team.role_changed") == 1


@pytest.mark.parametrize("away", [Role.OPERATOR, Role.VIEWER, None])
def test_the_last_admin_stays_one(admin: Member, away: Role | None) -> None:
    member(admin.org_id, Role.OPERATOR, "Bob")
    with pytest.raises(Conflict) as refusal:
        team.change_role(admin, admin.user_id, away) if away else team.remove(admin, admin.user_id)
    assert refusal.value.code == "last_admin"
    assert {one.role for one in team.listing(admin.org_id).members} == {Role.ADMIN, Role.OPERATOR}


def test_one_of_two_admins_may_go_and_then_the_other_may_not(admin: Member) -> None:
    bob = member(admin.org_id, Role.OPERATOR, "Bob")
    team.change_role(admin, bob.user_id, Role.ADMIN)
    team.remove(bob, admin.user_id)
    with pytest.raises(Conflict):
        team.change_role(bob, bob.user_id, Role.VIEWER)
    with pytest.raises(NotFound):
        team.remove(bob, admin.user_id)


def test_a_role_that_changes_meanwhile_is_looked_at_again(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    bob = member(admin.org_id, Role.ADMIN, "Bob")
    read = team.store.get_member
    stale = [read(admin.org_id, bob.user_id)]
    team.change_role(admin, bob.user_id, Role.VIEWER)
    monkeypatch.setattr(team.store, "get_member", lambda *place: stale.pop() if stale else read(*place))
    team.remove(admin, bob.user_id)
    with pytest.raises(Conflict):  # the admins were counted by the role that Bob had at the end
        team.remove(admin, admin.user_id)


def test_a_repeated_request_changes_nothing_more(admin: Member) -> None:
    bob = member(admin.org_id, Role.VIEWER, "Bob")
    effect = Effect(scope="user", key="k1", fingerprint="f")
    team.change_role(admin, bob.user_id, Role.OPERATOR, effect)
    team.change_role(admin, bob.user_id, Role.VIEWER)
    assert team.change_role(admin, bob.user_id, Role.OPERATOR, effect).role is Role.VIEWER
    removal = Effect(scope="user", key="k2", fingerprint="f")
    team.remove(admin, bob.user_id, removal)
    team.remove(admin, bob.user_id, removal)
    assert happened(admin.org_id).count("team.member_removed") == 1


# ---- invites


def test_an_invite_is_mailed_and_lets_in_whoever_verifies_the_address(admin: Member) -> None:
    made = invited(admin, "Grace@Example.com")
    assert team.listing(admin.org_id).invites == [made]
    grace = person("Grace", "grace@EXAMPLE.com")
    assert team.accept_all(grace) == [admin.org_id]
    found = team.listing(admin.org_id)
    assert [(one.name, one.role) for one in found.members] == [("Ada", Role.ADMIN), ("Grace", Role.VIEWER)]
    assert found.invites == []
    assert team.accept_all(grace) == []
    assert [place.organisation.id for place in team.places_of(grace.id)] == [admin.org_id]
    assert {"team.invited", "team.member_joined"} <= set(happened(admin.org_id))


def test_the_letter_is_one_line_of_names_and_tells_where_to_go(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://hum.example")
    made = team.invite(admin, admin.organisation, "Ada\r\nX: y", "grace@example.com", Role.OPERATOR)
    mails = [item for item in _mails(admin.org_id) if item["to"] == ["grace@example.com"]]
    assert [mail["subject"] for mail in mails] == ["Ada X: y invites you to Acme"]
    assert "https://hum.example/auth/login" in mails[0]["body"]
    assert made.expires_at[:10] in mails[0]["body"]
    assert mails[0]["agent_id"] is None


def _mails(org_id: str) -> list[dict[str, Any]]:
    found = [
        table.get("activity", {"pk": f"{org_id}#message#{event.subject.id}", "sk": "message"})
        for event in told(org_id)
        if event.type == "email.queued"
    ]
    return [item for item in found if item]


def test_an_address_that_nobody_verified_opens_nothing(admin: Member) -> None:
    invited(admin)
    assert team.accept_all(person("Grace", verified=False)) == []
    assert len(team.listing(admin.org_id).invites) == 1


def test_an_invite_ends_by_itself_and_makes_room_for_another(admin: Member, frozen: clock.Frozen) -> None:
    first = invited(admin)
    with pytest.raises(Conflict) as refusal:
        invited(admin)
    assert refusal.value.code == "already_invited"
    frozen.advance(seconds=team.INVITE_LIFETIME)
    assert team.listing(admin.org_id).invites == []
    assert team.accept_all(person("Grace")) == []
    with pytest.raises(NotFound):
        team.revoke(admin, first.id)
    second = invited(admin, role=Role.OPERATOR)
    assert team.listing(admin.org_id).invites == [second]
    assert team.accept_all(person("Grace")) == [admin.org_id]


def test_a_revoked_invite_lets_nobody_in(admin: Member) -> None:
    made = invited(admin)
    team.revoke(admin, made.id)
    with pytest.raises(NotFound):
        team.revoke(admin, made.id)
    assert team.accept_all(person("Grace")) == []
    assert invited(admin).id != made.id


def test_the_address_of_a_member_is_not_invited(admin: Member) -> None:
    with pytest.raises(Conflict) as refusal:
        invited(admin, "ADA@example.com")
    assert refusal.value.code == "already_member"


def test_a_stranger_and_somebody_known_are_invited_alike(admin: Member) -> None:
    person("Known", "known@example.com")
    known, stranger = invited(admin, "known@example.com"), invited(admin, "stranger@example.com")
    assert known.model_dump(exclude={"id", "email"}) == stranger.model_dump(exclude={"id", "email"})


def test_whoever_is_in_already_keeps_their_role(admin: Member) -> None:
    invited(admin, "other@example.com", Role.VIEWER)
    same = admin.user.model_copy(update={"email": "other@example.com"})
    assert team.accept_all(same) == []
    found = team.listing(admin.org_id)
    assert [one.role for one in found.members] == [Role.ADMIN]
    assert found.invites == []


def test_invites_and_members_are_limited(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "MOST_INVITES", 1)
    invited(admin)
    with pytest.raises(QuotaExceeded):
        invited(admin, "second@example.com")
    monkeypatch.setattr(team, "MOST_MEMBERS", 1)
    assert team.accept_all(person("Grace")) == []
    assert len(team.listing(admin.org_id).invites) == 1
    monkeypatch.setattr(team, "MOST_MEMBERS", 2)
    assert team.accept_all(person("Grace")) == [admin.org_id]


def test_a_repeated_invite_is_the_first_one(admin: Member) -> None:
    effect = Effect(scope="user", key="k", fingerprint="f")
    made = invited(admin, effect=effect)
    assert invited(admin, effect=effect) == made
    team.revoke(admin, made.id, other := Effect(scope="user", key="k2", fingerprint="f"))
    team.revoke(admin, made.id, other)
    with pytest.raises(NotFound):
        invited(admin, effect=effect)


@pytest.mark.parametrize("address", ["", "grace", "grace@", "@example.com", "a b@example.com", "grace@exa\nmple.com"])
def test_what_is_no_address_is_not_invited(admin: Member, address: str) -> None:
    with pytest.raises(Invalid):
        invited(admin, address)


# ---- organisations of a person


def test_whoever_creates_an_organisation_is_its_admin(cloud: Any, frozen: clock.Frozen) -> None:
    ada = person()
    org = accounts.new_organisation("Zebra", "zebra", PlanName.FREE)
    assert team.found(ada, org, "corr_1", None, lambda _: None) == org
    effect = Effect(scope="user", key="k", fingerprint="f")
    second = accounts.new_organisation("Ant", "ant", PlanName.FREE)
    made = team.found(ada, second, "corr_2", effect, lambda _: None)
    again = accounts.new_organisation("Ant", "ant", PlanName.FREE)
    assert team.found(ada, again, "corr_3", effect, lambda _: None).id == made.id
    assert [(place.organisation.name, place.role) for place in team.places_of(ada.id)] == [
        ("Ant", Role.ADMIN),
        ("Zebra", Role.ADMIN),
    ]
    assert team.arrive(ada) == second.id
    team.require_place(ada.id, org.id)
    with pytest.raises(NotFound):
        team.require_place(ada.id, tenant().org_id)


def test_a_person_belongs_to_so_many_organisations_only(
    cloud: Any, frozen: clock.Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "MOST_ORGANISATIONS", 1)
    ada = person()
    team.found(ada, accounts.new_organisation("A", "a", PlanName.FREE), "corr_1", None, lambda _: None)
    with pytest.raises(QuotaExceeded):
        team.found(ada, accounts.new_organisation("B", "b", PlanName.FREE), "corr_2", None, lambda _: None)


def test_invites_beyond_a_persons_room_wait(admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    other = member(tenant("other").org_id, name="Eve")
    for one in (admin, other):
        invited(one, "grace@example.com")
    monkeypatch.setattr(team, "MOST_ORGANISATIONS", 1)
    grace = person("Grace")
    assert len(team.accept_all(grace)) == 1
    assert team.accept_all(grace) == []
    monkeypatch.setattr(team, "MOST_ORGANISATIONS", 2)
    assert len(team.accept_all(grace)) == 1


def test_an_invite_takes_nobody_away_from_where_they_are(admin: Member) -> None:
    invited(admin, "grace@example.com")
    grace = person("Grace")
    assert team.arrive(grace) == admin.org_id
    other = member(tenant("aaa").org_id, name="Eve")
    invited(other, "grace@example.com")
    assert team.arrive(grace) == admin.org_id
    assert len(team.places_of(grace.id)) == 2
    cookie = people.open_session(grace, admin.org_id)
    people.look_at(cookie, other.org_id)
    assert team.arrive(known("Grace")) == other.org_id
    team.remove(other, grace.id)
    assert team.arrive(known("Grace")) == admin.org_id


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Lakeside Clinic", "lakeside-clinic"),
        ("  Été & Fils!  ", "ete-fils"),
        ("日本", "organization"),
        ("-", "organization"),
    ],
)
def test_a_name_makes_a_slug(name: str, expected: str) -> None:
    assert team.slug(name) == expected


def test_events_of_a_team_hold_no_address(admin: Member) -> None:
    invited(admin)
    team.accept_all(person("Grace"))
    found = told(admin.org_id)
    assert {"team.invited", "team.member_joined", "email.queued"} <= {event.type for event in found}
    assert not any("grace" in event.model_dump_json().lower() for event in found)
