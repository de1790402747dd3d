"""Requests a minute, calls a day, and the plan's own limits."""

from __future__ import annotations

import httpx
import pytest

from switchboard.access import keys as access
from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap, KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.aws import clients
from switchboard.kit import clock, settings
from tests.integration.sabotage import Sabotage
from tests.unit.opticomm.backend import Backend, backend, code, origin, post

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

#: From 17:00 UTC, where the clock stands, to midnight.
TO_MIDNIGHT = 7 * 3_600


def remaining(answer: httpx.Response) -> tuple[int, int]:
    return int(answer.headers["x-ratelimit-limit"]), int(answer.headers["x-ratelimit-remaining"])


def test_a_key_has_60_requests_a_minute(live: Backend, frozen: clock.FrozenClock) -> None:
    for used in range(1, 61):
        assert remaining(live.check(request_id="x")) == (60, 60 - used)
    refused = live.check(request_id="x")
    assert code(refused) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.json()["retry_after"] == int(refused.headers["retry-after"]) == 60
    assert live.with_key().check(request_id="x").status_code == 404, "another key has its own limit"
    frozen.advance(minutes=1)
    assert live.check(request_id="x").status_code == 404


def test_a_keys_own_limit_holds_and_is_not_more_than_the_plans() -> None:
    free = backend(slug="free", plan=PlanName.FREE)
    assert remaining(free.with_key(requests_per_minute=7).check(request_id="x")) == (7, 6)
    assert remaining(free.with_key(requests_per_minute=7_000).check(request_id="x")) == (60, 59)


def test_a_repetition_is_never_refused_for_its_number_and_counts_nothing(live: Backend) -> None:
    key = live.with_key(requests_per_minute=3, requests_per_day=1)
    first = key.initiate(request_id="r-1").json()
    for _ in range(5):
        again = key.initiate(request_id="r-1")
        assert again.json() == first | {"duplicate": True}
        assert remaining(again) == (3, 2)
    assert code(key.initiate()) == (429, "DAILY_LIMIT_EXCEEDED")
    assert key.check(request_id="r-1").status_code == 200
    assert code(key.check(request_id="r-1")) == (429, "RATE_LIMIT_EXCEEDED")
    assert key.initiate(request_id="r-1").json()["duplicate"] is True


def test_every_refused_request_counts_once(live: Backend) -> None:
    key = live.with_key(requests_per_minute=10)
    refused = [
        *(key.ask("{"), key.ask({}), key.initiate(agent_id=""), key.initiate(phone_number="x")),
        *(key.initiate(agent_id="x"), key.initiate(phone_number="+15005550020"), key.check()),
    ]
    assert [remaining(answer)[1] for answer in refused] == [9, 8, 7, 6, 5, 4, 3]


def test_calls_a_day_are_counted_when_they_are_accepted(live: Backend, frozen: clock.FrozenClock) -> None:
    key = live.with_key(requests_per_day=2)
    for number in ("nonsense", "+15005550020", "+15005550013", "+14155550142", "+14155550143"):
        assert key.initiate(phone_number=number).status_code != 429
    refused = key.initiate()
    assert code(refused) == (429, "DAILY_LIMIT_EXCEEDED")
    assert refused.json()["retry_after"] == int(refused.headers["retry-after"]) == TO_MIDNIGHT
    assert key.check(request_id="x").status_code == 404, "questions are not counted by the day"
    assert live.initiate().status_code == 200, "nor are another key's calls"
    frozen.advance(seconds=TO_MIDNIGHT)
    assert key.initiate().status_code == 200


def test_the_plans_daily_calls_and_the_cap_hold_for_all_keys(frozen: clock.FrozenClock) -> None:
    small = backend(slug="small", basic_calls_per_day=1)
    assert small.initiate().status_code == 200
    refused = small.with_key().initiate()
    assert code(refused) == (429, "DAILY_LIMIT_EXCEEDED")
    assert refused.json()["retry_after"] == TO_MIDNIGHT
    assert code(small.initiate(phone_number="+15005550020")) == (403, "PHONE_ON_DNC"), "the plan's limits come last"
    capped = backend(slug="capped")
    organizations.set_hard_cap(origin(capped.company.org_id), HardCap(enabled=True, monthly_cap_cents=1))
    access.clear_cache()
    refused = capped.initiate()
    assert code(refused) == (429, "DAILY_LIMIT_EXCEEDED")
    assert refused.json()["retry_after"] == 16 * 86_400 + TO_MIDNIGHT, "until February"
    assert capped.with_key(KeyKind.OPTICOMM_TEST).initiate().status_code == 200


def test_an_unavailable_limiter_lets_all_requests_pass(live: Backend) -> None:
    live.initiate(request_id="r-1")
    clients.get_client("dynamodb").delete_table(TableName=settings.table_name("ratelimit"))
    assert remaining(live.initiate(request_id="r-1")) == (60, 60)
    assert remaining(live.initiate()) == (60, 60)


def test_a_refused_key_costs_no_write_and_is_refused_before_anything_is_read(live: Backend) -> None:
    key = live.with_key(requests_per_minute=1)
    key.check(request_id="x")
    assert code(key.check(request_id="x")) == (429, "RATE_LIMIT_EXCEEDED")
    with Sabotage().counting() as calls:
        answers = {code(key.check(request_id="x")) for _ in range(50)}
    assert (answers, calls) == ({(429, "RATE_LIMIT_EXCEEDED")}, [])


def test_a_throttled_limiter_refuses_for_a_second(live: Backend) -> None:
    live.check(request_id="x")
    saboteur = Sabotage()
    saboteur.fail("UpdateItem", "ThrottlingException", times=10)
    refused = live.check(request_id="x")
    assert code(refused) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.json()["retry_after"] == int(refused.headers["retry-after"]) == 1


def test_a_repetition_on_a_large_plan_shows_the_total_of_all_slices(frozen: clock.FrozenClock) -> None:
    large = backend(slug="large", plan=PlanName.ENTERPRISE)
    key = large.with_key(requests_per_minute=12_000)
    key.initiate(request_id="r-1")
    for _ in range(20):
        key.check(request_id="r-1")
    limit, left = remaining(key.initiate(request_id="r-1"))
    # Requests from the process's lease count, too.
    assert (limit, 12_000 - 21 - 16 < left <= 12_000 - 21) == (12_000, True)


def test_strangers_are_counted_by_their_address(live: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_MINUTE", "2")
    answers = [code(post("{}", {})) for _ in range(3)]
    assert answers == [(401, "MISSING_API_KEY"), (401, "MISSING_API_KEY"), (429, "RATE_LIMIT_EXCEEDED")]


def test_a_request_writes_to_the_limiter_once(live: Backend) -> None:
    live.initiate()
    saboteur = Sabotage()
    with saboteur.counting() as calls:
        live.initiate(request_id="r-1")
    assert calls.count("UpdateItem") == 1
    # On a sliced plan a slice without a counter for the day borrows first: one refused commit, one read, one commit.
    assert calls.count("TransactWriteItems") <= 2
    with saboteur.counting() as calls:
        live.initiate(request_id="r-1")
    assert not {"UpdateItem", "TransactWriteItems"} & set(calls)
