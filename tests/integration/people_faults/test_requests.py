"""People and permissions under faults: requests that are killed between any two AWS calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.pool import Context
from switchboard.access import sessions
from switchboard.aws import reads
from switchboard.compliance import ledgers
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import clock
from switchboard.people.models import User
from switchboard.people.sessions import open_session
from switchboard.team import invites, members, memberships, pending_invites
from switchboard.team.models import Invite, Member
from switchboard.team.permissions import Role
from tests.actors import member, person
from tests.integration.people_faults.conftest import list_event_types, send_request
from tests.integration.sabotage import Dying, Sabotage

KEY = "idempotency-key-of-22-characters-or-more"


def session_of(who: Member) -> str:
    return f"{COOKIE}={open_session(who.user, who.org_id)}"


Prepare = Callable[[Member, int], tuple[str, str, str, dict[str, Any] | None]]


def _invite(_: Member, number: int) -> tuple[str, str, str, dict[str, Any] | None]:
    return "hum/team", "POST", "/api/team/invites", {"email": f"p{number}@example.com", "role": "viewer"}


def _revoke(admin: Member, number: int) -> tuple[str, str, str, dict[str, Any] | None]:
    made = invites.create_invite(admin, admin.organization, "Ada", f"r{number}@example.com", Role.VIEWER)
    return "hum/team", "DELETE", f"/api/team/invites/{made.id}", None


def _change_role(admin: Member, number: int) -> tuple[str, str, str, dict[str, Any] | None]:
    user = member(admin.org_id, Role.VIEWER, f"Role{number}").user
    return "hum/team", "PATCH", f"/api/team/members/{user.id}", {"role": "operator"}


def _remove(admin: Member, number: int) -> tuple[str, str, str, dict[str, Any] | None]:
    user = member(admin.org_id, Role.VIEWER, f"Gone{number}").user
    return "hum/team", "DELETE", f"/api/team/members/{user.id}", None


def _describe(_: Member, number: int) -> tuple[str, str, str, dict[str, Any] | None]:
    return "hum/account", "PATCH", "/api/orgs/current", {"name": f"Name {number}"}


def _block(_: Member, number: int) -> tuple[str, str, str, dict[str, Any] | None]:
    return "hum/blocklist", "POST", "/api/blocklist", {"e164": f"+14155552{number:03}"}


def _unblock(admin: Member, number: int) -> tuple[str, str, str, dict[str, Any] | None]:
    entry = ledgers.block_number(admin, f"+14155553{number:03}")
    return "hum/blocklist", "DELETE", f"/api/blocklist/{entry.id}", None


@pytest.mark.parametrize(
    ("prepare", "event"),
    [
        (_invite, "team.invited"),
        (_revoke, "team.invite_revoked"),
        (_change_role, "team.role_changed"),
        (_remove, "team.member_removed"),
        (_describe, "organization.updated"),
        (_block, "number.blocked"),
        (_unblock, "number.unblocked"),
    ],
)
def test_a_change_killed_anywhere_and_repeated_with_its_key_happens_once(
    admin: Member, frozen: clock.FrozenClock, prepare: Prepare, event: str
) -> None:
    saboteur, cookie = Sabotage(), session_of(admin)
    with saboteur.counting() as calls:
        assert send_request(*prepare(admin, 999), cookie=cookie, key=KEY)["statusCode"] == 200
    for done in range(len(list(calls))):
        frozen.advance(seconds=1)
        request = prepare(admin, done)
        before = list_event_types(admin.org_id).count(event)
        with saboteur.killing(after=done):
            send_request(*request, cookie=cookie, key=f"key-{done}", context=Dying)
        answer, again = (send_request(*request, cookie=cookie, key=f"key-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (200, answer["body"]), (done, answer)
        assert list_event_types(admin.org_id).count(event) == before + 1, done


def test_an_organization_whose_creation_was_killed_anywhere_is_one(admin: Member, frozen: clock.FrozenClock) -> None:
    saboteur = Sabotage()

    def create(cookie: str, key: str, context: type[Context] = Context) -> dict[str, Any]:
        return send_request(
            "hum/account", "POST", "/api/orgs", {"name": "New"}, cookie=cookie, key=key, context=context
        )

    def newcomer(name: str) -> tuple[User, str]:
        user = person(name)
        return user, f"{COOKIE}={open_session(user, None)}"

    with saboteur.counting() as calls:
        assert create(newcomer("First")[1], KEY)["statusCode"] == 201
    for done in range(len(list(calls))):
        frozen.advance(seconds=1)
        user, cookie = newcomer(f"P{done}")
        with saboteur.killing(after=done):
            create(cookie, KEY, Dying)
        answer = create(cookie, KEY)
        assert answer["statusCode"] == 201, (done, answer)
        (place,) = memberships.list_organizations_of(user.id)
        assert place.organization.id == json.loads(answer["body"])["id"]
        found = sessions.authenticate_session(cookie.partition("=")[2])
        assert found.organization == place.organization


def _accept(user: User, made: Invite) -> tuple[str, str, str]:
    return "hum/account", "POST", f"/api/invites/{made.id}/accept"


def _decline(user: User, made: Invite) -> tuple[str, str, str]:
    return "hum/account", "POST", f"/api/invites/{made.id}/decline"


def _leave(user: User, made: Invite) -> tuple[str, str, str]:
    pending_invites.accept_invite(user, made.id, "corr_1")
    return "hum/team", "POST", "/api/team/leave"


@pytest.mark.parametrize(
    ("prepare", "event", "is_in"),
    [
        (_accept, "team.member_joined", True),
        (_decline, "team.invite_declined", False),
        (_leave, "team.member_left", False),
    ],
)
def test_a_persons_choice_killed_anywhere_and_repeated_happens_once(
    admin: Member,
    frozen: clock.FrozenClock,
    prepare: Callable[[User, Invite], tuple[str, str, str]],
    event: str,
    is_in: bool,
) -> None:
    saboteur = Sabotage()

    def somebody(name: str) -> tuple[User, Invite, str]:
        made = invites.create_invite(admin, admin.organization, "Ada", f"{name}@example.com", Role.VIEWER)
        user = person(name)
        org_id = admin.org_id if prepare is _leave else None
        return user, made, f"{COOKIE}={open_session(user, org_id)}"

    user, made, cookie = somebody("first")
    request = prepare(user, made)
    with saboteur.counting() as calls:
        assert send_request(*request, cookie=cookie, key=KEY)["statusCode"] == 200
    for done in range(len(list(calls))):
        frozen.advance(seconds=1)
        user, made, cookie = somebody(f"p{done}")
        request = prepare(user, made)
        before = list_event_types(admin.org_id).count(event)
        with saboteur.killing(after=done):
            send_request(*request, cookie=cookie, key=f"key-{done}", context=Dying)
        answer, again = (send_request(*request, cookie=cookie, key=f"key-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (200, answer["body"]), (done, answer)
        assert list_event_types(admin.org_id).count(event) == before + 1, done
        assert bool(memberships.list_organizations_of(user.id)) == is_in
        if is_in:  # and the session of a person without an organization points to it
            assert sessions.authenticate_session(cookie.partition("=")[2]).organization == admin.organization
    counted, found = reads.get_item("core", {"pk": admin.org_id, "sk": "team"}), members.list_team(admin.org_id)
    assert counted is not None
    assert (counted["members"], counted["invites"]) == (len(found.members), len(found.invites))
