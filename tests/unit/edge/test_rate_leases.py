"""Leases of slices: the share of a plan that many processes serve together, and the number of their writes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.accounts.plans import PLANS, Plan, PlanName
from switchboard.edge import rate_counters, rate_leases, rate_limit
from switchboard.edge.rate_counters import Limits, UsedRequests, WindowFullError
from switchboard.kit import clock
from tests import swarm
from tests.integration.sabotage import Sabotage, scan_items
from tests.settings import THOROUGH
from tests.swarm import Swarm
from tests.unit.properties import example_settings

SCALE, ENTERPRISE = PLANS[PlanName.SCALE], PLANS[PlanName.ENTERPRISE]
#: The writes that a DynamoDB item accepts in a second, with a margin for uneven load.
_WRITES = 900


def test_small_plans_are_counted_on_one_item() -> None:
    for name in (PlanName.FREE, PlanName.STARTER, PlanName.GROWTH):
        terms = PLANS[name]
        assert rate_leases.slice_count(terms.requests_per_minute, terms.requests_per_second) == 1
    assert rate_leases.slice_count(SCALE.requests_per_minute, SCALE.requests_per_second) == 4
    assert rate_leases.slice_count(ENTERPRISE.requests_per_minute, ENTERPRISE.requests_per_second) == 20
    assert rate_leases.slice_count(1, 10_000) == 1, "a small minute is not sliced"
    assert rate_leases.slice_count(10**9, 10**9) == 64


@pytest.mark.parametrize("limits", [(12_000, 2_000), (60_000, 10_000), (7_001, 1_777), (64_063, 99_999)])
def test_the_slices_add_up_to_the_plan(limits: tuple[int, int]) -> None:
    holding = rate_leases._BucketLeases(*limits)
    shares = [holding.slice_limits(number) for number in range(rate_leases.slice_count(*limits))]
    assert tuple(map(sum, zip(*shares, strict=True))) == limits


@pytest.mark.parametrize("processes", [1, 40, 60, 300] if THOROUGH else [1, 60])
@pytest.mark.parametrize("of_the_rate", [0.75, 1, 1.5] if THOROUGH else [1, 1.5])
@pytest.mark.parametrize("terms", [SCALE, ENTERPRISE], ids=lambda terms: terms.name.value)
def test_at_least_95_percent_of_a_plan_are_served_and_never_more_than_all(
    terms: Plan, of_the_rate: float, processes: int
) -> None:
    rate = round(terms.requests_per_minute / 60 * of_the_rate)
    crowd = Swarm(processes)
    served = crowd.run(rate, 60, terms.requests_per_minute, terms.requests_per_second)
    (passed,) = served.by_minute.values()
    assert 0.95 * min(terms.requests_per_minute, served.made) <= passed <= terms.requests_per_minute
    assert max(served.by_second.values()) <= terms.requests_per_second
    assert crowd.hottest <= _WRITES


@pytest.mark.parametrize("processes", [60, 300] if THOROUGH else [60])
@pytest.mark.parametrize("of_the_limit", [1, 1.5])
@pytest.mark.parametrize("terms", [SCALE, ENTERPRISE], ids=lambda terms: terms.name.value)
def test_a_burst_gets_95_percent_of_each_second_and_never_more_than_all(
    terms: Plan, of_the_limit: float, processes: int
) -> None:
    limit = terms.requests_per_second
    crowd = Swarm(processes)
    served = crowd.run(round(limit * of_the_limit), 8, terms.requests_per_minute, limit)
    first = list(served.by_second.values())[:5]
    assert all(0.95 * limit <= passed <= limit for passed in first)
    assert sum(served.by_second.values()) == terms.requests_per_minute
    assert crowd.hottest <= _WRITES


def test_starting_and_ending_processes_lose_less_than_5_percent() -> None:
    crowd, passed = Swarm(60), 0
    for _ in range(60):
        passed += sum(
            crowd.run(1_000, 1, ENTERPRISE.requests_per_minute, ENTERPRISE.requests_per_second).by_second.values()
        )
        crowd.replace(6)
    assert 57_000 <= passed <= 60_000


def test_a_minute_starts_full_after_a_used_up_minute() -> None:
    crowd = Swarm(60)
    served = crowd.run(400, 180, SCALE.requests_per_minute, SCALE.requests_per_second)
    assert list(served.by_minute.values()) == [SCALE.requests_per_minute] * 3


def test_a_flood_on_a_small_bucket_costs_a_write_for_each_process_and_window() -> None:
    crowd = Swarm(300)
    served = crowd.run(10_000, 3, 60, 100)
    assert sum(served.by_second.values()) == 60
    assert sum(crowd.table.writes.values()) <= 60 + 300
    crowd = Swarm(300)
    served = crowd.run(10_000, 3, 3_000, 500)
    assert list(served.by_second.values()) == [500] * 3
    assert sum(crowd.table.writes.values()) <= 3 * (500 + 300)


def test_many_buckets_do_not_share() -> None:
    crowd = Swarm(20)
    first, second = (crowd.run(1_000, 20, 12_000, 2_000, bucket) for bucket in ("one", "other"))
    assert sum(first.by_second.values()) == sum(second.by_second.values()) == 12_000


def test_an_upgrade_to_a_sliced_plan_keeps_the_counts_of_the_minute() -> None:
    crowd = Swarm(5)
    used = crowd.run(600, 10, 3_000, 500)
    more = crowd.run(2_000, 20, 12_000, 2_000)
    assert sum(used.by_second.values()) == 3_000
    assert sum(more.by_second.values()) == 9_000


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 400), st.integers(0, 900)), min_size=1, max_size=15),
    st.integers(2_000, 2_900),
    st.integers(501, 1_600),
)
@example_settings(40)
def test_no_order_of_bursts_and_pauses_exceeds_a_limit(
    bursts: list[tuple[int, int, int]], per_minute: int, per_second: int
) -> None:
    memories, items = [rate_limit.LimiterMemory() for _ in range(4)], swarm.Table()
    passed: dict[int, int] = {}
    with pytest.MonkeyPatch.context() as patch, clock.using(clock.FrozenClock()) as _:
        source = clock._source
        assert isinstance(source, clock.FrozenClock)
        patch.setattr(rate_counters, "count_requests", items.add)
        for process, tries, pause in bursts:
            patch.setattr(rate_limit, "_memory", memories[process])
            for _ in range(tries):
                at = int(source.at)
                passed[at] = passed.get(at, 0) + rate_limit.count_request("org", per_minute, per_second).allowed
            source.advance(milliseconds=pause)
    assert max(passed.values()) <= per_second
    assert sum(passed.values()) <= per_minute


@pytest.mark.usefixtures("cloud")
def test_a_busy_process_writes_rarely_and_a_quiet_one_wastes_nothing(frozen: clock.FrozenClock) -> None:
    sabotage = Sabotage()
    with sabotage.counting() as calls:
        assert sum(rate_limit.count_request("busy", 12_000, 2_000).allowed for _ in range(1_000)) == 1_000
    assert len(calls) < 100
    for _ in range(3):
        rate_limit.count_request("quiet", 12_000, 2_000)
        frozen.advance(seconds=10)
    counted = [int(item["minute"]["N"]) for item in scan_items("ratelimit") if item["id"]["S"].startswith("quiet")]
    assert sum(counted) == 3


@pytest.mark.usefixtures("cloud")
def test_the_rest_of_a_lease_counts_in_the_next_lease_of_its_minute(frozen: clock.FrozenClock) -> None:
    def counted_requests() -> int:
        return sum(int(item["minute"]["N"]) for item in scan_items("ratelimit"))

    made = 0
    for _ in range(5):
        for _ in range(103):
            made += rate_limit.count_request("org", 12_000, 2_000).allowed
        frozen.advance(seconds=1)
    assert made == 515
    # For any number of seconds, at most one lease is left.
    assert made <= counted_requests() < made + rate_leases._MAX_LEASE_REQUESTS


@pytest.mark.usefixtures("cloud")
def test_the_estimate_of_a_sliced_bucket_is_close(frozen: clock.FrozenClock) -> None:
    for used in range(1, 400):
        limits = rate_limit.count_request("org", 12_000, 2_000)
        assert abs(limits.minute.remaining - (12_000 - used)) <= 0.01 * 12_000
    assert (
        abs(rate_limit.peek_limits("org", 12_000, 2_000).minute.remaining - (12_000 - 399))
        < rate_leases._MAX_LEASE_REQUESTS
    )


def test_the_number_of_leases_is_limited(monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> None:
    monkeypatch.setattr(rate_leases, "_MAX_BUCKETS", 3)
    monkeypatch.setattr(rate_counters, "count_requests", swarm.Table().add)
    held = rate_leases.Leases()
    passed = sum(held.count_request(f"org{number % 9}", 2_000, 1_500).allowed for number in range(30_000))
    assert len(held._held) == 3
    assert passed <= 9 * 1_500


def test_changed_limits_admit_no_extra_requests(monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> None:
    items, held = swarm.Table(), rate_leases.Leases()
    monkeypatch.setattr(rate_counters, "count_requests", items.add)
    for _ in range(200):
        held.count_request("org", 12_000, 2_000)
    assert held.count_request("org", 2_000, 1_500).minute.limit == 2_000
    counted = sum(item["minute"] for item in items.items.values())
    assert counted >= 201


@pytest.mark.usefixtures("cloud")
def test_the_swarms_table_counts_as_dynamodb_does(frozen: clock.FrozenClock) -> None:
    chance, double = Random(7), swarm.Table()
    for _ in range(150):
        frozen.advance(milliseconds=chance.randrange(400))
        at, size = int(frozen.at), chance.randrange(1, 6)
        asked = {
            "minute": chance.randrange(size + 1),
            "second": size,
            "per_minute": chance.randrange(20, 60),
            "per_second": chance.randrange(4, 12),
        }
        id_ = rate_counters.counter_id("org", at, chance.randrange(2))
        answers: list[UsedRequests | str] = []
        for add in (double.add, rate_counters.count_requests):
            try:
                answers.append(add(id_, at, **asked))
            except WindowFullError as full:
                answers.append(f"full: {full.used}")
        assert answers[0] == answers[1]


#: The start of a minute.
MINUTE = 1_700_000_040
#: Four slices of 3,000 in a minute and 500 in a second.
LIMITS = (12_000, 2_000)


@pytest.fixture
def first_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_leases, "choose_slice", lambda _: 0)


def holding(at: float = MINUTE, limits: tuple[int, int] = LIMITS) -> rate_leases._BucketLeases:
    made = rate_leases._BucketLeases(*limits)
    made.start_new_windows(at)
    return made


def granted(held: rate_leases._BucketLeases, size: int, at: int = MINUTE, number: int = 0, paid: int = 0) -> None:
    held.record_grant(rate_leases._Lease(number, size, paid, at), UsedRequests(size, size))


def test_the_first_lease_is_one_request_and_later_ones_are_an_eighth_of_a_second(first_slice: None) -> None:
    held = holding()
    assert held.next_lease(MINUTE) == rate_leases._Lease(0, 1, 0, MINUTE)
    for _ in range(40):
        granted(held, 1)
    # 41 requests in the least time by which a rate is told, a quarter of a second: 164 a second.
    assert held.next_lease(MINUTE) == rate_leases._Lease(0, 16, 0, MINUTE)
    assert held.next_lease(MINUTE + 0.5) == rate_leases._Lease(0, 10, 0, MINUTE), "82 a second"
    assert held.next_lease(MINUTE + 0.99) == rate_leases._Lease(0, 1, 0, MINUTE), "the second is nearly over"


def test_the_rate_of_the_second_before_counts_too(first_slice: None) -> None:
    held = holding()
    for _ in range(80):
        granted(held, 1)
    held.start_new_windows(MINUTE + 1)
    assert held.next_lease(MINUTE + 1) == rate_leases._Lease(0, 10, 0, MINUTE + 1)
    held.start_new_windows(MINUTE + 3)
    assert held.next_lease(MINUTE + 3) == rate_leases._Lease(0, 1, 0, MINUTE + 3), "a second of quiet is between"


def test_a_lease_is_used_request_by_request(first_slice: None) -> None:
    held = holding()
    assert held.use_request() is None
    granted(held, 3)
    assert held.left == 2
    assert [held.use_request() is not None for _ in range(3)] == [True, True, False]
    assert held.left == 0


def test_what_is_left_at_the_end_of_a_second_pays_in_its_minute_and_not_in_the_next(first_slice: None) -> None:
    held = holding()
    granted(held, 9)
    held.start_new_windows(MINUTE + 0.9)
    assert held.left == 8, "it is the same second"
    held.start_new_windows(MINUTE + 1)
    assert (held.left, held._spare) == (0, 8)
    held.start_new_windows(MINUTE + 60)
    assert (held.left, held._spare) == (0, 0)


def test_requests_that_are_paid_for_are_not_counted_in_the_minute_again(first_slice: None) -> None:
    held = holding()
    granted(held, 4)
    held.start_new_windows(MINUTE + 1)
    assert held.next_lease(MINUTE + 1) == rate_leases._Lease(0, 1, 1, MINUTE + 1)
    assert held._spare == 2


def test_a_lease_of_a_slice_with_little_room_is_small_and_of_a_full_one_none(first_slice: None) -> None:
    held = holding()
    for _ in range(100):
        held._asked += 1
    for number, used in enumerate(
        [UsedRequests(3_000, 0), UsedRequests(0, 500), UsedRequests(2_997, 0), UsedRequests(0, 498)]
    ):
        held._record_counts(rate_leases._Lease(number, 1, 0, MINUTE), used)
    assert held.next_lease(MINUTE) == rate_leases._Lease(2, 3, 0, MINUTE)
    held._record_counts(rate_leases._Lease(2, 3, 0, MINUTE), UsedRequests(3_000, 3))
    assert held.next_lease(MINUTE) == rate_leases._Lease(3, 2, 0, MINUTE)
    held._record_counts(rate_leases._Lease(3, 2, 0, MINUTE), UsedRequests(2, 500))
    assert held.next_lease(MINUTE) is None


@pytest.mark.parametrize(("later", "left", "spare"), [(0, 4, 0), (1, 0, 4), (60, 0, 0)])
def test_a_lease_that_is_granted_late_is_good_for_its_own_time(
    first_slice: None, later: int, left: int, spare: int
) -> None:
    # Another thread has moved the second, or the minute, while the table was asked.
    held = holding()
    held.start_new_windows(MINUTE + later)
    granted(held, 5, at=MINUTE)
    assert (held.left, held._spare) == (left, spare)
    assert (held._minute, held._second) == ({} if later == 60 else {0: 5}, {} if later else {0: 5})


@pytest.mark.parametrize(("later", "spare"), [(0, 2), (1, 2), (60, 0)])
def test_a_lease_that_is_denied_gives_back_what_was_paid(first_slice: None, later: int, spare: int) -> None:
    held = holding()
    held.start_new_windows(MINUTE + later)
    held.record_denial(rate_leases._Lease(0, 5, 2, MINUTE))
    assert (held._spare, held._minute) == (spare, {})
    held.record_denial(rate_leases._Lease(0, 5, 0, MINUTE), UsedRequests(3_000, 500))
    assert held._minute == ({} if later == 60 else {0: 3_000})


def test_what_several_denied_leases_had_paid_is_given_back_together(first_slice: None) -> None:
    held = holding()
    held.start_new_windows(MINUTE + 59)
    for _ in range(2):
        held.record_denial(rate_leases._Lease(0, 5, 2, MINUTE + 30))
    assert held._spare == 4


def test_a_minute_with_one_request_left_in_each_slice_is_not_full(first_slice: None) -> None:
    held = holding(MINUTE + 7)
    fill(held, 2_999, 500, MINUTE + 7)
    held.refuse_requests()
    assert held.current_refusal(MINUTE + 8) is None
    fill(held, 3_000, 500, MINUTE + 7)
    held.refuse_requests()
    assert held.current_refusal(MINUTE + 59.9)
    assert held.current_refusal(MINUTE + 60) is None


def fill(held: rate_leases._BucketLeases, minute: int, second: int, at: int = MINUTE) -> None:
    for number in range(4):
        held._record_counts(rate_leases._Lease(number, 1, 0, at), UsedRequests(minute, second))


def state(limits: Limits | None) -> tuple[int, int, bool] | None:
    return (limits.minute.remaining, limits.second.remaining, limits.allowed) if limits else None


def test_a_full_second_is_refused_until_it_ends_and_a_full_minute_until_that_ends(first_slice: None) -> None:
    held = holding()
    assert held.current_refusal(MINUTE) is None
    fill(held, 700, 500)
    assert state(held.refuse_requests()) == (12_000 - 2_800, 0, False)
    assert state(held.current_refusal(MINUTE + 0.999)) == (12_000 - 2_800, 0, False)
    assert held.current_refusal(MINUTE + 1) is None
    fill(held, 3_000, 100)
    assert state(held.refuse_requests()) == (0, 1_600, False)
    assert state(held.current_refusal(MINUTE + 59.999)) == (0, 1_600, False)
    assert held.current_refusal(MINUTE + 60) is None


def test_a_busy_slice_is_refused_until_the_moment_that_is_named(first_slice: None) -> None:
    held = holding()
    fill(held, 3_000, 100)
    assert state(held.refuse_requests(MINUTE + 0.5)) == (1, 0, False), "the second is what refuses"
    assert held.current_refusal(MINUTE + 0.499)
    assert held.current_refusal(MINUTE + 0.5) is None


def test_a_minute_with_paid_requests_left_is_not_full(first_slice: None) -> None:
    held = holding()
    granted(held, 2)
    held.start_new_windows(MINUTE + 1)
    fill(held, 3_000, 500, MINUTE + 1)
    assert state(held.refuse_requests()) == (1, 0, False)
    assert held.current_refusal(MINUTE + 2) is None


def test_slices_that_were_not_seen_are_taken_to_be_like_the_others(first_slice: None) -> None:
    held = holding()
    assert state(held.estimate_limits()) == (12_000, 2_000, True)
    held._record_counts(rate_leases._Lease(0, 1, 0, MINUTE), UsedRequests(100, 10))
    held._record_counts(rate_leases._Lease(1, 1, 0, MINUTE), UsedRequests(200, 30))
    assert state(held.estimate_limits()) == (12_000 - 600, 2_000 - 80, True)
    assert state(held.unused_limits()) == (12_000, 2_000, True)
    granted(held, 11)
    # Ten are in hand: they are counted, and still there.
    assert state(held.estimate_limits()) == (12_000 - 412, 2_000 - 72, True)


def test_more_than_a_few_full_slices_are_not_asked(monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> None:
    asked = []

    def full(id_: str, at: int, **counts: int) -> UsedRequests:
        asked.append((id_.rpartition("#")[2], at, counts["minute"], counts["second"]))
        raise WindowFullError(UsedRequests(0, 500))

    monkeypatch.setattr(rate_counters, "count_requests", full)
    monkeypatch.setattr(rate_leases, "choose_slice", lambda _: 1)
    held, now = rate_leases.Leases(), int(frozen.at)
    refused = held.count_request("org", 60_000, 10_000)
    assert (refused.allowed, refused.full_window is refused.second) == (False, True)
    assert asked == [(str(number), now, 1, 1) for number in (1, 2, 3, 4)]


def test_whether_a_bucket_needs_no_write_is_told_without_one(frozen: clock.FrozenClock, first_slice: None) -> None:
    held = rate_leases.Leases()
    assert not held.decides_locally("org")
    made = held._bucket_leases("org", *LIMITS)
    made.start_new_windows(frozen.at)
    assert not held.decides_locally("org")
    granted(made, 2, int(frozen.at))
    assert held.decides_locally("org")
    assert not held.decides_locally("other")
    frozen.advance(seconds=1)
    assert not held.decides_locally("org"), "the lease was for its second"
    made.refuse_requests()
    assert held.decides_locally("org")
