"""Authentication by session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.access import sessions
from switchboard.accounts import service as accounts
from switchboard.aws import clock, secret, table
from switchboard.errors import Forbidden, NotFound, Unauthenticated
from switchboard.events.models import Actor
from switchboard.people import service as people
from switchboard.people.service import Cookie
from switchboard.team import members
from switchboard.team.models import Member
from switchboard.team.permissions import Permission, Role
from tests.actors import member, person, system, tenant


@pytest.fixture
def bob(cloud: Any, frozen: clock.Frozen) -> Member:
    """A viewer of an organisation that has an admin, too."""
    org_id = tenant().org_id
    member(org_id)
    return member(org_id, Role.VIEWER, "Bob")


def opened(who: Member, org_id: str | None = None) -> Cookie:
    return people.open_session(who.user, org_id or who.org_id)


def refused(cookie: Cookie | str) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        sessions.authenticate(str(cookie))
    return refusal.value.code


def test_a_session_brings_the_person_their_organisation_and_their_role(bob: Member) -> None:
    found = sessions.authenticate(str(opened(bob)))
    assert found.organisation == accounts.organisation(bob.org_id)
    assert found.user == bob.user
    assert found.member("corr_1").role is Role.VIEWER
    assert found.member("corr_1").actor == Actor(type="user", id=bob.user_id)
    assert found.bucket == f"user#{bob.user_id}"


def test_one_request_reads_it_all(bob: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, asked = opened(bob), []
    read = table.get_across
    monkeypatch.setattr(table, "get_across", lambda places: asked.append(len(places)) or read(places))
    monkeypatch.setattr(table, "get", None)
    sessions.authenticate(str(cookie))
    assert asked == [4]


def test_the_secret_is_not_stored(bob: Member) -> None:
    cookie = opened(bob)
    item = table.get("sessions", {"id": f"session#{secret.digest(cookie.secret)}"})
    assert item is not None
    assert cookie.secret not in str(item)


@pytest.mark.parametrize(
    "text", ["", "x", "a.b.c", "é" * 43 + ".usr_" + "0" * 26 + ".-", "a" * 43 + ".usr_short.-", "a" * 43 + "..", "."]
)
def test_what_is_no_cookie_costs_no_request(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "get_across", None)
    assert refused(text) == "malformed"


def test_neither_a_wrong_secret_nor_another_persons_name_opens_anything(bob: Member) -> None:
    cookie = opened(bob)
    assert refused(cookie._replace(secret="a" * 43)) == "unknown"
    assert refused(cookie._replace(user_id=person("Eve").id)) == "unknown"


def test_a_session_ends_when_nobody_uses_it(bob: Member, frozen: clock.Frozen) -> None:
    cookie = opened(bob)
    for _ in range(5):
        frozen.advance(seconds=people.IDLE - 1)
        sessions.authenticate(str(cookie))
    frozen.advance(seconds=people.IDLE)
    assert refused(cookie) == "expired"


def test_a_session_ends_after_its_time_however_it_is_used(bob: Member, frozen: clock.Frozen) -> None:
    cookie = opened(bob)
    for _ in range(people.ABSOLUTE // 3_600 - 1):
        frozen.advance(hours=1)
        sessions.authenticate(str(cookie))
    frozen.advance(hours=1)
    assert refused(cookie) == "expired"


def test_use_is_noted_now_and_then_and_not_with_every_request(bob: Member, frozen: clock.Frozen) -> None:
    cookie = opened(bob)
    first = sessions.authenticate(str(cookie)).session.seen_at
    frozen.advance(minutes=4)
    sessions.authenticate(str(cookie))
    assert sessions.authenticate(str(cookie)).session.seen_at == first
    frozen.advance(minutes=2)
    sessions.authenticate(str(cookie))
    assert sessions.authenticate(str(cookie)).session.seen_at == clock.stamp()
    seen = {one.user_id: one.last_active_at for one in members.list_team(bob.org_id).members}
    assert seen[bob.user_id] == clock.stamp()


def test_signing_out_ends_this_session_and_no_other(bob: Member) -> None:
    one, other = opened(bob), opened(bob)
    people.sign_out(one)
    people.sign_out(one)
    assert refused(one) == "unknown"
    sessions.authenticate(str(other))


def test_signing_out_everywhere_ends_all_sessions_until_the_next(bob: Member, frozen: clock.Frozen) -> None:
    one, other = opened(bob), opened(bob)
    people.sign_out_everywhere(bob.user_id)
    assert {refused(one), refused(other)} == {"expired"}
    frozen.advance(seconds=1)
    sessions.authenticate(str(opened(bob)))
    with pytest.raises(NotFound):
        people.sign_out_everywhere("usr_" + "0" * 26)


def test_a_session_that_was_ended_meanwhile_does_not_come_back(bob: Member, frozen: clock.Frozen) -> None:
    cookie = opened(bob)
    session = sessions.authenticate(str(cookie)).session
    people.sign_out(cookie)
    people.note_use(session)
    assert refused(cookie) == "unknown"
    with pytest.raises(Unauthenticated):
        people.look_at(cookie, bob.org_id)
    assert refused(cookie) == "unknown"


def test_a_role_that_changes_and_a_member_who_leaves_are_felt_at_once(bob: Member) -> None:
    cookie = str(opened(bob))
    origin = system(bob.org_id)
    with pytest.raises(Forbidden) as refusal:
        sessions.authenticate(cookie).require(Permission.CONTACTS_WRITE)
    assert refusal.value.code == "insufficient_role"
    members.change_role(origin, bob.user_id, Role.OPERATOR)
    sessions.authenticate(cookie).require(Permission.CONTACTS_WRITE)
    members.remove_member(origin, bob.user_id)
    with pytest.raises(Forbidden) as refusal:
        sessions.authenticate(cookie).require(Permission.CONTACTS_READ)
    assert refusal.value.code == "no_organization"
    assert sessions.authenticate(cookie).organisation is None


def test_a_suspended_organisation_lets_nobody_work(bob: Member) -> None:
    origin = system(bob.org_id)
    accounts.set_status(origin, "suspended")
    found = sessions.authenticate(str(opened(bob)))
    with pytest.raises(Forbidden) as refusal:
        found.require(Permission.CONTACTS_READ)
    assert refusal.value.code == "organization_inactive"


def test_a_cookie_that_looks_back_finds_where_the_session_looks_now(bob: Member) -> None:
    second = member(tenant("second").org_id, Role.ADMIN, "Bob")
    old = opened(bob)
    people.look_at(old, second.org_id)
    found = sessions.authenticate(str(old))
    assert found.organisation is not None
    assert found.organisation.id == second.org_id
    assert found.member("corr_1").role is Role.ADMIN
    assert found.cookie.org_id == second.org_id


def test_naming_another_organisation_in_the_cookie_opens_none(bob: Member) -> None:
    stranger = tenant("stranger").org_id
    found = sessions.authenticate(str(opened(bob)._replace(org_id=stranger)))
    assert found.organisation is not None
    assert found.organisation.id == bob.org_id


def test_without_an_organisation_there_is_the_person_alone(cloud: Any, frozen: clock.Frozen) -> None:
    ada = person()
    found = sessions.authenticate(str(people.open_session(ada, None)))
    assert (found.organisation, found.bucket) == (None, f"user#{ada.id}")
    with pytest.raises(Forbidden) as refusal:
        found.require(Permission.ORGANIZATION_READ)
    assert refusal.value.code == "no_organization"


def test_a_key_of_a_person_is_theirs_and_their_organisations(bob: Member) -> None:
    found = sessions.authenticate(str(opened(bob)))
    own, within = found.scope(None), found.scope(Permission.CONTACTS_WRITE)
    assert own == f"user#{bob.user_id}"
    assert within == f"{bob.org_id}#user#{bob.user_id}"


def test_a_session_expires_from_the_table_after_it_is_over(bob: Member) -> None:
    cookie = opened(bob)
    item = table.get("sessions", {"id": f"session#{cookie.digest}"})
    assert item is not None
    over = clock.now() + timedelta(seconds=people.ABSOLUTE)
    assert item["expiration"] > over.timestamp()
