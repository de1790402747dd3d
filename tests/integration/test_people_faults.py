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
from switchboard.accounts.plans import PlanName
from switchboard.aws import clock, table
from switchboard.carriers import identity
from switchboard.compliance import ledgers
from switchboard.edge import cookies
from switchboard.edge.dialects.hum import COOKIE
from switchboard.errors import Conflict
from switchboard.events import service as events
from switchboard.people import service as people
from switchboard.people import sign_in
from switchboard.people.models import User
from switchboard.team import service as team
from switchboard.team.models import Member
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
    """The types of the organisation's events of the last hours."""
    hours = timedelta(hours=3)
    found = events.between(clock.iso(clock.now() - hours), clock.iso(clock.now() + hours), org_id)
    return [event.type for event in found]


@pytest.fixture
def admin(cloud: dict[str, str], frozen: clock.Frozen) -> Member:
    return member(tenant(plan=PlanName.SCALE).org_id)


def session_of(who: Member) -> str:
    return f"{COOKIE}={people.open_session(who.user, who.org_id)}"


# --- requests that die --------------------------------------------------------------------------------------------

Prepare = Callable[[Member, int], tuple[str, str, str, dict[str, Any] | None]]


def _invite(_: Member, number: int) -> tuple[str, str, str, dict[str, Any] | None]:
    return "hum/team", "POST", "/api/team/invites", {"email": f"p{number}@example.com", "role": "viewer"}


def _revoke(admin: Member, number: int) -> tuple[str, str, str, dict[str, Any] | None]:
    made = team.invite(admin, admin.organisation, "Ada", f"r{number}@example.com", Role.VIEWER)
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
    entry = ledgers.block(admin, f"+14155553{number:03}")
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
    admin: Member, frozen: clock.Frozen, prepare: Prepare, event: str
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


def test_an_organisation_whose_creation_was_killed_anywhere_is_one(admin: Member, frozen: clock.Frozen) -> None:
    saboteur = Sabotage()

    def create(cookie: str, key: str, context: type[Context] = Context) -> dict[str, Any]:
        return ask("hum/account", "POST", "/api/orgs", {"name": "New"}, cookie=cookie, key=key, context=context)

    def newcomer(name: str) -> tuple[User, str]:
        user = person(name)
        return user, f"{COOKIE}={people.open_session(user, None)}"

    with saboteur.counting() as calls:
        assert create(newcomer("First")[1], KEY)["statusCode"] == 201
    for done in range(len(list(calls))):
        frozen.advance(seconds=1)
        user, cookie = newcomer(f"P{done}")
        with saboteur.killing(after=done):
            create(cookie, KEY, Dying)
        answer = create(cookie, KEY)
        assert answer["statusCode"] == 201, (done, answer)
        (place,) = team.places_of(user.id)
        assert place.organisation.id == json.loads(answer["body"])["id"]
        found = sessions.authenticate(cookie.partition("=")[2])
        assert found.organisation == place.organisation


# --- signing in ---------------------------------------------------------------------------------------------------


class Vouching:
    """An issuer that vouches for whoever the code names."""

    issuer = ISSUER

    def authorization_url(self, **wanted: str) -> str:
        return f"https://issuer.example/authorize?state={wanted['state']}"

    def redeem(self, **shown: str) -> identity.Claims:
        name = shown["code"]
        return identity.Claims(ISSUER, f"{name}@example.com", f"{name}@example.com", True, name, None)

    def end_session_url(self, **_: str) -> str | None:
        return None


def test_a_sign_in_that_died_is_begun_again_and_the_invite_is_taken_once(
    admin: Member, frozen: clock.Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "provider", Vouching)
    saboteur = Sabotage()

    def come_back(name: str, context: type[Context] = Context) -> dict[str, Any]:
        begun = sign_in.begin(None, None)
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        cookie = f"{cookies.BROWSER}={begun.browser}"
        query = {"state": state, "code": name}
        return ask("hum/sign_in", "GET", "/auth/callback", query=query, cookie=cookie, context=context)

    def invited(name: str) -> None:
        team.invite(admin, admin.organisation, "Ada", f"{name}@example.com", Role.VIEWER)

    invited("first")
    with saboteur.counting() as calls:
        assert come_back("first")["statusCode"] == 302
    for done in range(len(list(calls))):
        name = f"p{done}"
        invited(name)
        with saboteur.killing(after=done):
            come_back(name, Dying)
        answer = come_back(name)
        assert answer["statusCode"] == 302, (done, answer)
        cookie = answer["multiValueHeaders"]["Set-Cookie"][-1].partition("=")[2].partition(";")[0]
        found = sessions.authenticate(cookie)
        assert found.organisation is not None
        assert found.organisation.id == admin.org_id
        assert found.member("corr_1").role is Role.VIEWER
        assert [one.name for one in team.listing(admin.org_id).members].count(name) == 1
    assert told(admin.org_id).count("team.member_joined") == len(team.listing(admin.org_id).members)
    assert team.listing(admin.org_id).invites == []


# --- many at once -------------------------------------------------------------------------------------------------


def test_admins_who_demote_each_other_at_once_leave_one(engine_cloud: dict[str, str]) -> None:
    org_id = tenant().org_id
    admins = [member(org_id, Role.ADMIN, f"A{number}") for number in range(6)]
    pairs = zip(admins, [*admins[1:], admins[0]], strict=True)
    jobs = [
        (lambda one=one, other=other: team.change_role(one, other.user_id, Role.VIEWER))
        if place % 2
        else (lambda one=one, other=other: team.remove(one, other.user_id))
        for place, (one, other) in enumerate(pairs)
    ]
    outcomes = at_once(jobs)
    left = [one for one in team.listing(org_id).members if one.role is Role.ADMIN]
    assert len(left) == 1
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(outcome) for outcome in refused] == [Conflict]
    counted = table.get("core", {"pk": org_id, "sk": "team"})
    assert counted is not None
    assert (counted["members"], counted["admins"]) == (len(team.listing(org_id).members), 1)


def test_one_invite_that_is_accepted_and_revoked_at_once_has_one_outcome(engine_cloud: dict[str, str]) -> None:
    admin = member(tenant().org_id)
    for number in range(8):
        made = team.invite(admin, admin.organisation, "Ada", f"g{number}@example.com", Role.VIEWER)
        user = person(f"G{number}", f"g{number}@example.com")
        jobs: list[Callable[[], Any]] = [
            lambda made=made: team.revoke(admin, made.id),
            *[lambda user=user: team.accept_all(user)] * 2,
        ]
        outcomes = at_once(jobs)
        joined = [outcome for outcome in outcomes[1:] if outcome == [admin.org_id]]
        is_in = user.id in {one.user_id for one in team.listing(admin.org_id).members}
        assert len(joined) == int(is_in)
        assert is_in == isinstance(outcomes[0], Exception)
        assert team.listing(admin.org_id).invites == []


def test_one_address_is_invited_once_however_many_ask(engine_cloud: dict[str, str]) -> None:
    admin = member(tenant().org_id)
    jobs = [lambda: team.invite(admin, admin.organisation, "Ada", "grace@example.com", Role.VIEWER)] * 6
    outcomes = at_once(jobs)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)} == {"already_invited"}
    assert len(team.listing(admin.org_id).invites) == 1


def test_a_stranger_who_signs_in_with_several_tabs_is_one_person(engine_cloud: dict[str, str]) -> None:
    found = at_once([lambda: person("Grace")] * 6)
    assert len({user.id for user in found if isinstance(user, User)}) == 1
    assert not [outcome for outcome in found if isinstance(outcome, Exception)]
