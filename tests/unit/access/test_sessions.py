"""Authentication by a session cookie."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.access import sessions
from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.errors import Forbidden, NotFound, Unauthenticated
from switchboard.events.models import Actor
from switchboard.kit import clock, texts
from switchboard.people import sessions as people_sessions
from switchboard.people.sessions import SessionCookie
from switchboard.team import members
from switchboard.team.models import Member
from switchboard.team.permissions import Permission, Role
from tests.actors import member, person, system, tenant


@pytest.fixture
def bob(cloud: Any, frozen: clock.FrozenClock) -> Member:
    """A viewer of an organization that also has an admin."""
    org_id = tenant().org_id
    member(org_id)
    return member(org_id, Role.VIEWER, "Bob")


def open_session(who: Member, org_id: str | None = None) -> SessionCookie:
    return people_sessions.open_session(who.user, org_id or who.org_id)


def refusal_code(cookie: SessionCookie | str) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        sessions.authenticate_session(str(cookie))
    return refusal.value.code


def test_a_session_gives_the_person_their_organization_and_their_role(bob: Member) -> None:
    found = sessions.authenticate_session(str(open_session(bob)))
    assert found.organization == organizations.get_organization(bob.org_id)
    assert found.user == bob.user
    assert found.to_member("corr_1").role is Role.VIEWER
    assert found.to_member("corr_1").actor == Actor(type="user", id=bob.user_id)
    assert found.bucket == f"user#{bob.user_id}"


def test_one_request_reads_the_whole_session(bob: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, asked = open_session(bob), []
    read = reads.get_items_of_tables
    monkeypatch.setattr(reads, "get_items_of_tables", lambda places: asked.append(len(places)) or read(places))
    monkeypatch.setattr(reads, "get_item", None)
    sessions.authenticate_session(str(cookie))
    assert asked == [4]


def test_the_secret_is_not_stored(bob: Member) -> None:
    cookie = open_session(bob)
    item = reads.get_item("sessions", {"id": f"session#{texts.digest(cookie.secret)}"})
    assert item is not None
    assert cookie.secret not in str(item)


@pytest.mark.parametrize(
    "text", ["", "x", "a.b.c", "é" * 43 + ".usr_" + "0" * 26 + ".-", "a" * 43 + ".usr_short.-", "a" * 43 + "..", "."]
)
def test_a_malformed_cookie_costs_no_request(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "get_items_of_tables", None)
    assert refusal_code(text) == "malformed"


def test_a_wrong_secret_or_another_session_id_is_refused(bob: Member) -> None:
    cookie = open_session(bob)
    assert refusal_code(cookie._replace(secret="a" * 43)) == "unknown"
    assert refusal_code(cookie._replace(user_id=person("Eve").id)) == "unknown"


def test_an_unused_session_ends(bob: Member, frozen: clock.FrozenClock) -> None:
    cookie = open_session(bob)
    for _ in range(5):
        frozen.advance(seconds=people_sessions.IDLE_SECONDS - 1)
        sessions.authenticate_session(str(cookie))
    frozen.advance(seconds=people_sessions.IDLE_SECONDS)
    assert refusal_code(cookie) == "expired"


def test_a_session_ends_after_its_maximum_time_even_if_used(bob: Member, frozen: clock.FrozenClock) -> None:
    cookie = open_session(bob)
    for _ in range(people_sessions.MAX_SESSION_SECONDS // 3_600 - 1):
        frozen.advance(hours=1)
        sessions.authenticate_session(str(cookie))
    frozen.advance(hours=1)
    assert refusal_code(cookie) == "expired"


def test_use_is_recorded_sometimes_and_not_with_every_request(bob: Member, frozen: clock.FrozenClock) -> None:
    cookie = open_session(bob)
    first = sessions.authenticate_session(str(cookie)).session.seen_at
    frozen.advance(minutes=4)
    sessions.authenticate_session(str(cookie))
    assert sessions.authenticate_session(str(cookie)).session.seen_at == first
    frozen.advance(minutes=2)
    sessions.authenticate_session(str(cookie))
    assert sessions.authenticate_session(str(cookie)).session.seen_at == clock.now_iso()
    seen = {one.user_id: one.last_active_at for one in members.list_team(bob.org_id).members}
    assert seen[bob.user_id] == clock.now_iso()


def test_signing_out_ends_only_this_session(bob: Member) -> None:
    one, other = open_session(bob), open_session(bob)
    people_sessions.sign_out(one)
    people_sessions.sign_out(one)
    assert refusal_code(one) == "unknown"
    sessions.authenticate_session(str(other))


def test_signing_out_everywhere_ends_all_sessions_and_allows_a_new_one(bob: Member, frozen: clock.FrozenClock) -> None:
    one, other = open_session(bob), open_session(bob)
    people_sessions.sign_out_everywhere(bob.user_id)
    assert {refusal_code(one), refusal_code(other)} == {"expired"}
    frozen.advance(seconds=1)
    sessions.authenticate_session(str(open_session(bob)))
    with pytest.raises(NotFound):
        people_sessions.sign_out_everywhere("usr_" + "0" * 26)


def test_recording_use_does_not_restore_an_ended_session(bob: Member, frozen: clock.FrozenClock) -> None:
    cookie = open_session(bob)
    session = sessions.authenticate_session(str(cookie)).session
    people_sessions.sign_out(cookie)
    people_sessions.record_session_use(session)
    assert refusal_code(cookie) == "unknown"
    with pytest.raises(Unauthenticated):
        people_sessions.switch_organization(cookie, bob.org_id)
    assert refusal_code(cookie) == "unknown"


def test_a_changed_role_and_a_removed_membership_apply_at_once(bob: Member) -> None:
    cookie = str(open_session(bob))
    origin = system(bob.org_id)
    with pytest.raises(Forbidden) as refusal:
        sessions.authenticate_session(cookie).require_permission(Permission.CONTACTS_WRITE)
    assert refusal.value.code == "insufficient_role"
    members.change_role(origin, bob.user_id, Role.OPERATOR)
    sessions.authenticate_session(cookie).require_permission(Permission.CONTACTS_WRITE)
    members.remove_member(origin, bob.user_id)
    with pytest.raises(Forbidden) as refusal:
        sessions.authenticate_session(cookie).require_permission(Permission.CONTACTS_READ)
    assert refusal.value.code == "no_organization"
    assert sessions.authenticate_session(cookie).organization is None


def test_members_of_a_suspended_organization_are_refused(bob: Member) -> None:
    origin = system(bob.org_id)
    organizations.set_status(origin, "suspended")
    found = sessions.authenticate_session(str(open_session(bob)))
    with pytest.raises(Forbidden) as refusal:
        found.require_permission(Permission.CONTACTS_READ)
    assert refusal.value.code == "organization_inactive"


def test_an_old_cookie_finds_the_current_organization_of_the_session(bob: Member) -> None:
    second = member(tenant("second").org_id, Role.ADMIN, "Bob")
    old = open_session(bob)
    people_sessions.switch_organization(old, second.org_id)
    found = sessions.authenticate_session(str(old))
    assert found.organization is not None
    assert found.organization.id == second.org_id
    assert found.to_member("corr_1").role is Role.ADMIN
    assert found.cookie.org_id == second.org_id


def test_naming_another_organization_in_the_cookie_opens_none(bob: Member) -> None:
    stranger = tenant("stranger").org_id
    found = sessions.authenticate_session(str(open_session(bob)._replace(org_id=stranger)))
    assert found.organization is not None
    assert found.organization.id == bob.org_id


def test_a_session_without_an_organization_has_only_the_person(cloud: Any, frozen: clock.FrozenClock) -> None:
    ada = person()
    found = sessions.authenticate_session(str(people_sessions.open_session(ada, None)))
    assert (found.organization, found.bucket) == (None, f"user#{ada.id}")
    with pytest.raises(Forbidden) as refusal:
        found.require_permission(Permission.ORGANIZATION_READ)
    assert refusal.value.code == "no_organization"


def test_an_idempotency_key_belongs_to_one_person_in_one_organization(bob: Member) -> None:
    found = sessions.authenticate_session(str(open_session(bob)))
    own, within = found.idempotency_scope(None), found.idempotency_scope(Permission.CONTACTS_WRITE)
    assert own == f"user#{bob.user_id}"
    assert within == f"{bob.org_id}#user#{bob.user_id}"


def test_the_table_deletes_a_session_after_its_end(bob: Member) -> None:
    cookie = open_session(bob)
    item = reads.get_item("sessions", {"id": f"session#{cookie.digest}"})
    assert item is not None
    over = clock.now() + timedelta(seconds=people_sessions.MAX_SESSION_SECONDS)
    assert item["expiration"] > over.timestamp()


def test_what_is_read_beside_a_session_is_that_of_its_organization_and_person(bob: Member) -> None:
    cookie = people_sessions.open_session(bob.user, bob.org_id)

    def beside(org_id: str, user_id: str) -> list[reads.Ref[Any]]:
        return [members.member_ref(org_id, user_id)]

    (found,) = sessions.read_session(str(cookie), beside).beside
    assert (found.org_id, found.user_id) == (bob.org_id, bob.user_id)

    ada = member(tenant("other").org_id, Role.ADMIN, "Eve")
    with pytest.raises(Unauthenticated):
        sessions.read_session(str(cookie._replace(user_id=ada.user_id)), beside)
    # The ids of the cookie are only a guess: the session decides.
    (found,) = sessions.read_session(str(cookie._replace(org_id=ada.org_id)), beside).beside
    assert found.org_id == bob.org_id
    alone = people_sessions.open_session(bob.user, None)
    assert sessions.read_session(str(alone), beside).beside == []
    removed = people_sessions.open_session(ada.user, bob.org_id)
    assert sessions.read_session(str(removed), beside).beside == []
