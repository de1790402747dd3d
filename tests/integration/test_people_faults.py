"""People and permissions under fire: processes that die between any two AWS calls, and many at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.local.pool import Context
from switchboard.access import sessions
from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.aws import reads
from switchboard.carriers import identity
from switchboard.compliance import ledgers
from switchboard.dialects.hum import cookies
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.errors import Conflict, DomainError
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.people import sessions as people_sessions
from switchboard.people import sign_in
from switchboard.people.models import User
from switchboard.team import invite_mail, invites, members, memberships, pending_invites
from switchboard.team.models import Invite, Member, OrganizationRole
from switchboard.team.permissions import Role
from tests.actors import ISSUER, member, person, tenant
from tests.integration.sabotage import Dying, Sabotage, invoke
from tests.integration.test_concurrency import at_once

KEY = "idempotency-key-of-22-characters-or-more"


def ask(
    function: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    cookie: str = "",
    query: dict[str, str] | None = None,
    key: str | None = None,
    context: type[Context] = Context,
) -> dict[str, Any]:
    """Send a request to its function, as API Gateway would."""
    headers = {"content-type": "application/json", "cookie": cookie} | ({"idempotency-key": key} if key else {})
    event = {
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()},
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": json.dumps(body) if body is not None else None,
    }
    answer: dict[str, Any] = invoke(function, event, context)
    return answer


def told(org_id: str) -> list[str]:
    """The types of the organization's events of the last hours."""
    hours = timedelta(hours=3)
    found = events.events_between(clock.format_iso(clock.now() - hours), clock.format_iso(clock.now() + hours), org_id)
    return [event.type for event in found]


@pytest.fixture
def admin(cloud: dict[str, str], frozen: clock.FrozenClock) -> Member:
    return member(tenant(plan=PlanName.SCALE).org_id)


def session_of(who: Member) -> str:
    return f"{COOKIE}={people_sessions.open_session(who.user, who.org_id)}"


# --- requests that die --------------------------------------------------------------------------------------------

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
        assert ask(*prepare(admin, 999), cookie=cookie, key=KEY)["statusCode"] == 200
    for done in range(len(list(calls))):
        frozen.advance(seconds=1)
        request = prepare(admin, done)
        before = told(admin.org_id).count(event)
        with saboteur.killing(after=done):
            ask(*request, cookie=cookie, key=f"key-{done}", context=Dying)
        answer, again = (ask(*request, cookie=cookie, key=f"key-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (200, answer["body"]), (done, answer)
        assert told(admin.org_id).count(event) == before + 1, done


def test_an_organization_whose_creation_was_killed_anywhere_is_one(admin: Member, frozen: clock.FrozenClock) -> None:
    saboteur = Sabotage()

    def create(cookie: str, key: str, context: type[Context] = Context) -> dict[str, Any]:
        return ask("hum/account", "POST", "/api/orgs", {"name": "New"}, cookie=cookie, key=key, context=context)

    def newcomer(name: str) -> tuple[User, str]:
        user = person(name)
        return user, f"{COOKIE}={people_sessions.open_session(user, None)}"

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
def test_what_a_person_chooses_killed_anywhere_and_repeated_with_its_key_happens_once(
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
        return user, made, f"{COOKIE}={people_sessions.open_session(user, org_id)}"

    user, made, cookie = somebody("first")
    request = prepare(user, made)
    with saboteur.counting() as calls:
        assert ask(*request, cookie=cookie, key=KEY)["statusCode"] == 200
    for done in range(len(list(calls))):
        frozen.advance(seconds=1)
        user, made, cookie = somebody(f"p{done}")
        request = prepare(user, made)
        before = told(admin.org_id).count(event)
        with saboteur.killing(after=done):
            ask(*request, cookie=cookie, key=f"key-{done}", context=Dying)
        answer, again = (ask(*request, cookie=cookie, key=f"key-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (200, answer["body"]), (done, answer)
        assert told(admin.org_id).count(event) == before + 1, done
        assert bool(memberships.list_organizations_of(user.id)) == is_in
        if is_in:  # and the session of somebody who was in no organization looks at it
            assert sessions.authenticate_session(cookie.partition("=")[2]).organization == admin.organization
    counted, found = reads.get_item("core", {"pk": admin.org_id, "sk": "team"}), members.list_team(admin.org_id)
    assert counted is not None
    assert (counted["members"], counted["invites"]) == (len(found.members), len(found.invites))


# --- signing in ---------------------------------------------------------------------------------------------------


class Vouching:
    """An issuer that vouches for whoever the code names."""

    issuer = ISSUER

    def authorization_url(self, **wanted: str) -> str:
        return f"https://issuer.example/authorize?state={wanted['state']}"

    def redeem(self, **shown: str) -> identity.IdentityClaims:
        name = shown["code"]
        return identity.IdentityClaims(ISSUER, f"{name}@example.com", f"{name}@example.com", True, name, None)

    def end_session_url(self, **_: str) -> str | None:
        return None


def test_a_sign_in_that_died_is_begun_again_and_the_invite_is_taken_once(
    admin: Member, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "identity_provider", Vouching)
    saboteur = Sabotage()

    def come_back(name: str, made: Invite, context: type[Context] = Context) -> dict[str, Any]:
        begun = sign_in.begin_sign_in(f"/?invite={made.id}", None)
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        cookie = f"{cookies.BROWSER}={begun.browser}"
        query = {"state": state, "code": name}
        return ask("hum/sign_in", "GET", "/auth/callback", query=query, cookie=cookie, context=context)

    def invited(name: str) -> Invite:
        return invites.create_invite(admin, admin.organization, "Ada", f"{name}@example.com", Role.VIEWER)

    made = invited("first")
    with saboteur.counting() as calls:
        assert come_back("first", made)["statusCode"] == 302
    for done in range(len(list(calls))):
        name = f"p{done}"
        made = invited(name)
        with saboteur.killing(after=done):
            come_back(name, made, Dying)
        answer = come_back(name, made)
        assert answer["statusCode"] == 302, (done, answer)
        cookie = answer["multiValueHeaders"]["Set-Cookie"][-1].partition("=")[2].partition(";")[0]
        found = sessions.authenticate_session(cookie)
        assert found.organization is not None
        assert found.organization.id == admin.org_id
        assert found.member("corr_1").role is Role.VIEWER
        assert [one.name for one in members.list_team(admin.org_id).members].count(name) == 1
    assert told(admin.org_id).count("team.member_joined") == len(members.list_team(admin.org_id).members)
    assert members.list_team(admin.org_id).invites == []


@pytest.mark.parametrize("operation", ["PutItem", "TransactWriteItems", "UpdateItem", "DeleteItem"])
def test_a_sign_in_survives_an_answer_that_is_lost(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    # The first write of each kind: the state, the session, the state's taking, the person's change.
    monkeypatch.setattr(identity, "identity_provider", Vouching)
    saboteur = Sabotage()
    for name in ("ada", "ada"):
        saboteur.lose_answer(operation)
        begun = sign_in.begin_sign_in("/calls", None)
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        saboteur.lose_answer(operation)
        cookie = f"{cookies.BROWSER}={begun.browser}"
        answer = ask("hum/sign_in", "GET", "/auth/callback", query={"state": state, "code": name}, cookie=cookie)
        assert answer["statusCode"] == 302, answer
        opened = answer["multiValueHeaders"]["Set-Cookie"][-1].partition("=")[2].partition(";")[0]
        saboteur.lose_answer(operation)
        assert sessions.authenticate_session(opened).user.name == name


# --- many at once -------------------------------------------------------------------------------------------------


def test_admins_who_demote_each_other_at_once_leave_one(engine_cloud: dict[str, str]) -> None:
    org_id = tenant().org_id
    admins = [member(org_id, Role.ADMIN, f"A{number}") for number in range(6)]
    pairs = zip(admins, [*admins[1:], admins[0]], strict=True)
    jobs = [
        (lambda one=one, other=other: members.change_role(one, other.user_id, Role.VIEWER))
        if place % 2
        else (lambda one=one, other=other: members.remove_member(one, other.user_id))
        for place, (one, other) in enumerate(pairs)
    ]
    outcomes = at_once(jobs)
    left = [one for one in members.list_team(org_id).members if one.role is Role.ADMIN]
    assert len(left) == 1
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(outcome) for outcome in refused] == [Conflict]
    counted = reads.get_item("core", {"pk": org_id, "sk": "team"})
    assert counted is not None
    assert (counted["members"], counted["admins"]) == (len(members.list_team(org_id).members), 1)


def test_one_invite_that_is_accepted_and_revoked_at_once_has_one_outcome(engine_cloud: dict[str, str]) -> None:
    admin = member(tenant().org_id)
    for number in range(8):
        made = invites.create_invite(admin, admin.organization, "Ada", f"g{number}@example.com", Role.VIEWER)
        user = person(f"G{number}", f"g{number}@example.com")
        jobs: list[Callable[[], Any]] = [
            lambda made=made: invites.revoke_invite(admin, made.id),
            *[lambda user=user, made=made: pending_invites.accept_invite(user, made.id, "corr_1")] * 2,
        ]
        outcomes = at_once(jobs)
        joined = [outcome for outcome in outcomes[1:] if isinstance(outcome, OrganizationRole)]
        is_in = user.id in {one.user_id for one in members.list_team(admin.org_id).members}
        assert len(joined) == int(is_in)
        assert is_in == isinstance(outcomes[0], Exception)
        assert members.list_team(admin.org_id).invites == []


def test_one_address_is_invited_once_however_many_ask(engine_cloud: dict[str, str]) -> None:
    admin = member(tenant().org_id)
    jobs = [lambda: invites.create_invite(admin, admin.organization, "Ada", "grace@example.com", Role.VIEWER)] * 6
    outcomes = at_once(jobs)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)} == {"already_invited"}
    assert len(members.list_team(admin.org_id).invites) == 1


def refusals(outcomes: list[Any]) -> set[str]:
    """The codes of the refusals among some outcomes, each of them one that a caller may read."""
    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(outcome, DomainError) for outcome in failed), failed
    return {outcome.code for outcome in failed}


def made_of(outcomes: list[Any]) -> int:
    return sum(not isinstance(outcome, Exception) for outcome in outcomes)


def inviting(admin: Member, email: str) -> Callable[[], Any]:
    return lambda: invites.create_invite(admin, admin.organization, "Ada", email, Role.VIEWER)


@pytest.mark.parametrize(
    ("module", "limit", "code"),
    [(invites, "MAX_OPEN_INVITES", "invite_limit"), (invite_mail, "MAX_DAILY_MAILS_PAID", "invite_mail_limit")],
)
def test_an_organization_never_has_more_invites_or_mails_than_it_may(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, module: Any, limit: str, code: str
) -> None:
    monkeypatch.setattr(module, limit, 2)
    admin = member(tenant().org_id)
    outcomes = at_once([inviting(admin, f"g{number}@example.com") for number in range(6)])
    assert (made_of(outcomes), refusals(outcomes)) == (2, {code})
    assert len(members.list_team(admin.org_id).invites) == 2
    assert told(admin.org_id).count("email.queued") == 2


def test_an_address_never_gets_more_mails_a_day_than_it_may(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invite_mail, "MAX_DAILY_MAILS_PER_MAILBOX", 2)
    admins = [member(tenant(f"t{number}").org_id, name=f"A{number}") for number in range(6)]
    outcomes = at_once([inviting(admin, "grace@example.com") for admin in admins])
    assert (made_of(outcomes), refusals(outcomes)) == (2, {"invite_mail_limit"})


def test_invites_that_are_over_are_cleared_once_by_those_who_invite_at_once(
    engine_cloud: dict[str, str], frozen: clock.FrozenClock
) -> None:
    admin = member(tenant().org_id)
    for number in range(5):
        inviting(admin, f"old{number}@example.com")()
    frozen.advance(seconds=invites.INVITE_LIFETIME_SECONDS)
    outcomes = at_once([inviting(admin, f"g{number}@example.com") for number in range(6)])
    assert (made_of(outcomes), refusals(outcomes)) == (6, set())
    counted = reads.get_item("core", {"pk": admin.org_id, "sk": "team"})
    assert counted is not None
    assert counted["invites"] == 6


def test_a_person_never_belongs_to_more_organizations_than_they_may(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 2)
    grace = person("Grace")
    admins = [member(tenant(f"t{number}").org_id, name=f"A{number}") for number in range(3)]
    made = [inviting(admin, "grace@example.com")() for admin in admins]
    orgs = [organizations.new_organization(f"O{number}", f"o{number}", PlanName.FREE) for number in range(3)]
    jobs: list[Callable[[], Any]] = [
        *(lambda one=one: pending_invites.accept_invite(grace, one.id, "corr_1") for one in made),
        *(lambda org=org: memberships.create_organization(grace, org, "corr_1", None, lambda _: None) for org in orgs),
    ]
    outcomes = at_once(jobs)
    assert (made_of(outcomes), refusals(outcomes)) == (2, {"organization_limit"})
    monkeypatch.setattr(members, "MAX_ORGANIZATIONS_OF_PERSON", 50)
    assert len(memberships.list_organizations_of(grace.id)) == 2


def test_an_organization_never_has_more_members_than_it_may(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MAX_MEMBERS", 3)
    admin = member(tenant().org_id)
    made = [inviting(admin, f"g{number}@example.com")() for number in range(6)]
    users = [person(f"G{number}", f"g{number}@example.com") for number in range(6)]
    outcomes = at_once(
        [
            lambda u=user, i=one: pending_invites.accept_invite(u, i.id, "corr_1")
            for user, one in zip(users, made, strict=True)
        ]
    )
    assert (made_of(outcomes), refusals(outcomes)) == (2, {"member_limit"})
    assert len(members.list_team(admin.org_id).members) == 3
    assert len(members.list_team(admin.org_id).invites) == 4


def test_admins_who_all_leave_at_once_leave_one(engine_cloud: dict[str, str]) -> None:
    org_id = tenant().org_id
    admins = [member(org_id, Role.ADMIN, f"A{number}") for number in range(6)]
    outcomes = at_once([lambda one=one: members.leave_organization(one.user, org_id, "corr_1") for one in admins])
    assert (made_of(outcomes), refusals(outcomes)) == (5, {"last_admin"})
    assert [one.role for one in members.list_team(org_id).members] == [Role.ADMIN]


def test_one_invite_that_is_accepted_and_declined_at_once_has_one_outcome(engine_cloud: dict[str, str]) -> None:
    admin = member(tenant().org_id)
    for number in range(4):
        made = inviting(admin, f"g{number}@example.com")()
        user = person(f"G{number}", f"g{number}@example.com")
        jobs: list[Callable[[], Any]] = [
            lambda made=made, user=user: pending_invites.decline_invite(user, made.id, "corr_1"),
            lambda made=made, user=user: pending_invites.accept_invite(user, made.id, "corr_1"),
        ]
        outcomes = at_once(jobs * 2)
        assert (made_of(outcomes), refusals(outcomes)) == (1, {"not_found"})
        accepted = any(isinstance(outcome, OrganizationRole) for outcome in outcomes)
        assert bool(memberships.list_organizations_of(user.id)) == accepted
    counted = reads.get_item("core", {"pk": admin.org_id, "sk": "team"})
    assert counted is not None
    assert counted["invites"] == 0


def test_a_stranger_who_signs_in_with_several_tabs_is_one_person(engine_cloud: dict[str, str]) -> None:
    found = at_once([lambda: person("Grace")] * 6)
    assert len({user.id for user in found if isinstance(user, User)}) == 1
    assert not [outcome for outcome in found if isinstance(outcome, Exception)]
