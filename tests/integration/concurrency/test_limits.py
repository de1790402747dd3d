"""Concurrent requests on the engine: no limit is exceeded."""

from __future__ import annotations

import threading

import pytest

from switchboard.access import keys as access
from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.edge import rate_limit
from switchboard.email import service as email
from switchboard.email.models import Message
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.usage import service as usage
from tests.actors import tenant
from tests.integration.concurrency.conftest import count_events, count_outcomes, draft, list_messages, run_together


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.SCALE])
def test_a_monthly_quota_is_reached_exactly_and_never_exceeded_by_parallel_sends(plan: PlanName) -> None:
    acme = tenant(plan=plan, emails_per_month=6)
    caller = acme.caller()
    results = run_together([lambda: email.send_message(caller, draft())] * 10)
    assert count_outcomes(results) == {Message: 6, QuotaExceeded: 4}
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == 6
    assert (len(list_messages(acme)), count_events(acme, "email.queued")) == (6, 6)


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.SCALE])
def test_the_hard_cap_is_reached_exactly_and_never_exceeded_by_parallel_sends(plan: PlanName) -> None:
    acme = tenant(plan=plan)
    organizations.set_hard_cap(acme.caller(master=True), HardCap(enabled=True, monthly_cap_cents=1))
    access.clear_cache()
    caller = acme.caller()
    # A cent is twenty recipients.
    results = run_together([lambda: email.send_message(caller, draft(5))] * 8)
    assert count_outcomes(results) == {Message: 4, QuotaExceeded: 4}
    assert {result.code for result in results if isinstance(result, QuotaExceeded)} == {"hard_cap"}
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).spent_micros == 10_000
    assert (len(list_messages(acme)), count_events(acme, "email.queued")) == (4, 4)


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.GROWTH])
def test_daily_limits_of_organization_and_key_are_reached_exactly(plan: PlanName) -> None:
    org = organizations.get_organization(tenant(plan=plan).org_id)
    full = QuotaExceeded("Full.", code="daily_cap", resource="key", current=5, cap=5)

    def count() -> None:
        both = [usage.daily_charge(org, "basic_calls", 9), usage.daily_charge_of_key(org, "key_1", 5, full)]
        usage.commit_within(both)

    assert count_outcomes(run_together([count] * 12)) == {type(None): 5, QuotaExceeded: 7}
    assert usage.used_in_month(org.id, clock.now_iso()[:10], "basic_calls") == 5


@pytest.mark.usefixtures("engine_cloud")
def test_concurrent_mails_stay_within_both_limits_of_a_sliced_plan() -> None:
    acme = tenant(plan=PlanName.SCALE, emails_per_month=25)
    organizations.set_hard_cap(acme.caller(master=True), HardCap(enabled=True, monthly_cap_cents=1))
    access.clear_cache()
    caller = acme.caller()
    sizes = [1, 7, 3, 5, 2, 6, 4, 1, 3]
    results = run_together([lambda size=size: email.send_message(caller, draft(size)) for size in sizes])
    accepted = sum(len(result.recipients) for result in results if isinstance(result, Message))
    assert accepted <= 20
    # Each refused request asked for more than was left.
    refused = [size for size, result in zip(sizes, results, strict=True) if isinstance(result, QuotaExceeded)]
    assert len(refused) + len(list_messages(acme)) == len(sizes)
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == accepted


@pytest.mark.usefixtures("engine_cloud")
def test_concurrent_creations_stay_within_the_plans_agents() -> None:
    acme = tenant(agents=4)
    caller = acme.caller(master=True)
    results = run_together([lambda n=n: agents.create_agent(caller, f"agent-{n}", "n", {}) for n in range(8)])
    assert count_outcomes(results) == {agents.NewAgent: 3, QuotaExceeded: 5}
    assert len(agents.list_agents(acme.org_id, 100, None)[0]) == 4


class OneOfEach(threading.local):
    """A process's cache of limits. Here each thread stands for a process."""

    def __init__(self) -> None:
        memory = rate_limit.LimiterMemory()
        self.refusals, self.leases = memory.refusals, memory.leases


@pytest.fixture
def separate_limiters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_memory", OneOfEach())


def until_refused(bucket: str, per_minute: int, per_second: int) -> int:
    passed = 0
    while rate_limit.count_request(bucket, per_minute, per_second).allowed:
        passed += 1
    return passed


@pytest.mark.usefixtures("engine_cloud", "separate_limiters")
@pytest.mark.parametrize(
    ("per_minute", "per_second", "expected"),
    [
        pytest.param(30, 100, [30, 0], id="the minute's, one by one"),
        pytest.param(1_000, 20, [20, 20], id="the second's, one by one"),
        pytest.param(10_000, 700, [700, 700], id="the second's, leased"),
        pytest.param(2_000, 1_200, [1_200, 800], id="the minute's, leased"),
    ],
)
def test_exactly_the_allowed_number_of_requests_passes(
    frozen: clock.FrozenClock, per_minute: int, per_second: int, expected: list[int]
) -> None:
    for allowed in expected:
        passed = run_together([lambda: until_refused("org", per_minute, per_second)] * 4)
        assert sum(count for count in passed if isinstance(count, int)) == allowed
        frozen.advance(seconds=1)


@pytest.mark.usefixtures("engine_cloud")
def test_a_limiter_with_its_own_window_is_exact_too(frozen: clock.FrozenClock) -> None:
    windows = run_together([lambda: rate_limit.count_in_window("sign-up#1", 5, 3_600)] * 8)
    assert windows.count(None) == 5
