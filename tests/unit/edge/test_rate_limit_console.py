"""Rate limits of people at the console: a bucket for each, a ceiling for their organization, apart from the keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from infra.local import pool
from switchboard.accounts.plans import PlanName
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import background, clock
from switchboard.people import sessions
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, person, tenant
from tests.integration.sabotage import Sabotage
from tests.load.request import api_event

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

Ask = Callable[[], tuple[int, dict[str, Any], dict[str, str]]]


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant(plan=PlanName.FREE)


def ask_in_session(cookie: object, function: str = "hum/contacts", path: str = "/api/contacts") -> Ask:
    """Returns a function that sends requests of a session."""

    def ask() -> tuple[int, dict[str, Any], dict[str, str]]:
        answer = pool.invoke(function, api_event("GET", path, {"cookie": f"{COOKIE}={cookie}"}, None))
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

    return ask


def ask_as_person(org_id: str, name: str) -> Ask:
    return ask_in_session(sessions.open_session(member(org_id, Role.VIEWER, name).user, org_id))


def remaining(headers: dict[str, str]) -> tuple[int, int]:
    return int(headers["X-RateLimit-Limit"]), int(headers["X-RateLimit-Remaining"])


def remaining_of_agents(acme: Tenant) -> tuple[int, int]:
    """Returns the remaining requests of the API keys' bucket, after this request."""
    sent = {"authorization": f"Bearer {acme.agent_key}"}
    answer = pool.invoke("anima/email", api_event("GET", "/v1/email/messages", sent, None))
    assert answer["statusCode"] == 200
    return remaining(answer["headers"])


def test_a_person_has_an_own_bucket_and_takes_nothing_from_the_agents(acme: Tenant, frozen: clock.FrozenClock) -> None:
    ada, bob = ask_as_person(acme.org_id, "Ada"), ask_as_person(acme.org_id, "Bob")
    for used in range(1, 101):
        status, _, headers = ada()
        assert (status, remaining(headers)) == (200, (300, 300 - used))
        assert headers["X-RateLimit-Sec-Limit"] == "20"
        frozen.advance(milliseconds=100)
    assert remaining(bob()[2]) == (300, 299)
    assert remaining_of_agents(acme) == (60, 59)


def test_agents_that_use_up_their_plan_do_not_limit_the_console(acme: Tenant) -> None:
    for _ in range(60):
        remaining_of_agents(acme)
    assert ask_as_person(acme.org_id, "Ada")()[0] == 200


def test_a_persons_second_and_minute_are_limited(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "5")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "3")
    ada = ask_as_person(acme.org_id, "Ada")
    assert [ada()[0] for _ in range(4)] == [200, 200, 200, 429]
    frozen.advance(seconds=1)
    assert [ada()[0] for _ in range(3)] == [200, 200, 429]
    status, body, headers = ada()
    assert (status, body["error"], body["code"]) == (429, "rate_limited", "rate_limited")
    assert (headers["Retry-After"], remaining(headers)) == ("59", (5, 0))


def test_a_session_in_two_organizations_counts_as_one_person(acme: Tenant) -> None:
    ada = member(acme.org_id, Role.VIEWER, "Ada")
    assert remaining(ask_in_session(sessions.open_session(ada.user, acme.org_id))()[2]) == (300, 299)
    other = sessions.open_session(ada.user, None)
    assert remaining(ask_in_session(other, "hum/account", "/api/me")()[2]) == (300, 298)


def test_a_person_without_an_organization_has_the_same_limits(acme: Tenant) -> None:
    status, _, headers = ask_in_session(sessions.open_session(person(), None), "hum/account", "/api/me")()
    assert (status, remaining(headers)) == (200, (300, 299))


def test_all_people_of_an_organization_share_a_ceiling(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_CONSOLE_PER_MINUTE", "1")
    busy = tenant("busy", requests_per_minute=1)
    crowd = [ask_as_person(busy.org_id, f"P{number}") for number in range(3)]
    answers = [ask() for _ in range(4) for ask in crowd]
    assert [status for status, *_ in answers] == [200] * 10 + [429] * 2, "ten times the plan's minute"
    _, body, headers = answers[-1]
    assert (body["error"], body["code"]) == ("rate_limited", "organization_rate_limited")
    assert (headers["Retry-After"], remaining(headers)) == ("60", (300, 296)), "the headers are the person's"
    assert ask_as_person(acme.org_id, "Else")()[0] == 200
    with Sabotage().counting() as calls:
        assert crowd[0]()[0] == 429
    assert calls.count("UpdateItem") == 1, "only the person's update"
    frozen.advance(minutes=1)
    assert crowd[0]()[0] == 200


def test_the_ceiling_of_a_small_plan_is_3_000_a_minute_and_200_a_second(acme: Tenant) -> None:
    crowd = [ask_as_person(acme.org_id, f"P{number}") for number in range(11)]
    statuses = [ask()[0] for ask in crowd for _ in range(20)]
    assert statuses == [200] * 200 + [429] * 20


def test_requests_refused_for_a_person_do_not_fill_the_ceiling(acme: Tenant) -> None:
    ada = ask_as_person(acme.org_id, "Ada")
    for _ in range(20):
        ada()
    assert ada()[0] == 429
    with Sabotage().counting() as calls:
        assert {ada()[0] for _ in range(200)} == {429}
    assert set(calls) <= {"BatchGetItem"}, "a session is always read, and nothing is written"


def test_both_counts_run_at_the_same_time(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = ask_as_person(acme.org_id, "Ada")
    begun: list[str] = []

    def start(work: Callable[[], Any]) -> Future[Any]:
        begun.append("task")
        return background.run_inline(work)

    ada()
    monkeypatch.setattr(background, "submit", start)
    ada()
    assert len(begun) == 2, "the limits run beside the reads, and the ceiling beside the person's count"


def test_a_throttled_ceiling_refuses_the_request(acme: Tenant) -> None:
    ada = ask_as_person(acme.org_id, "Ada")
    ada()
    sabotage = Sabotage()
    sabotage.fail("UpdateItem", "ThrottlingException")
    status, body, headers = ada()
    assert (status, body["code"], headers["Retry-After"]) == (429, "organization_rate_limited", "1")
