"""Windows and leases, with a clock that stands still."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import clock, table
from switchboard.edge import rate_limit
from tests.integration.sabotage import Sabotage, everything
from tests.unit.properties import examples

pytestmark = pytest.mark.usefixtures("cloud")


def passes(bucket: str, per_minute: int, per_second: int, tries: int) -> int:
    return sum(rate_limit.take(bucket, per_minute, per_second).allowed for _ in range(tries))


def test_a_second_is_whole_again_after_a_second_and_a_minute_after_its_end(frozen: clock.Frozen) -> None:
    assert passes("org", 7, 5, 6) == 5
    refused = rate_limit.take("org", 7, 5)
    assert (refused.exhausted is refused.second, refused.retry_after) == (True, 1)
    frozen.advance(seconds=1)
    assert passes("org", 7, 5, 3) == 2
    refused = rate_limit.take("org", 7, 5)
    assert (refused.exhausted is refused.minute, refused.retry_after) == (True, 59)
    frozen.advance(seconds=59)
    assert passes("org", 7, 5, 6) == 5


def test_buckets_do_not_share(frozen: clock.Frozen) -> None:
    assert passes("one", 3, 3, 5) == passes("other", 3, 3, 5) == 3


def test_a_refused_request_is_not_counted(frozen: clock.Frozen) -> None:
    assert passes("org", 100, 2, 50) == 2
    frozen.advance(seconds=1)
    assert rate_limit.take("org", 100, 2).minute.remaining == 97


@pytest.mark.parametrize(("per_minute", "per_second"), [(10, 4), (3_000, 2_000)])
def test_the_headers_count_down_one_by_one_leased_or_not(
    frozen: clock.Frozen, per_minute: int, per_second: int
) -> None:
    left = []
    for _ in range(4):
        headers = rate_limit.take("org", per_minute, per_second).headers()
        left.append((int(headers["X-RateLimit-Remaining"]), int(headers["X-RateLimit-Sec-Remaining"])))
        assert headers["X-RateLimit-Limit"] == str(per_minute)
        assert int(headers["X-RateLimit-Reset"]) == (int(frozen.at) // 60 + 1) * 60
        assert int(headers["X-RateLimit-Sec-Reset"]) == int(frozen.at) + 1
        assert f'"minute";r={left[-1][0]};t=60' in headers["RateLimit"]
    assert left == [(per_minute - used, per_second - used) for used in range(1, 5)]


def test_a_busy_process_writes_seldom_and_a_quiet_one_wastes_nothing(frozen: clock.Frozen) -> None:
    sabotage = Sabotage()
    with sabotage.counting() as calls:
        assert passes("busy", 10_000, 2_000, 1_000) == 1_000
    assert len(calls) < 25
    with sabotage.counting() as calls:
        for _ in range(3):
            rate_limit.take("quiet", 10_000, 2_000)
            frozen.advance(seconds=10)
    assert len(calls) == 3
    assert rate_limit.take("quiet", 10_000, 2_000).minute.remaining == 10_000 - 4


def test_a_lease_ends_with_its_second(frozen: clock.Frozen) -> None:
    passes("org", 10_000, 600, 100)
    frozen.advance(seconds=1)
    assert passes("org", 10_000, 600, 700) == 600


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=12),
    st.integers(20, 120),
    st.integers(501, 520),
)
@examples(12, slow=True)
def test_leases_of_many_processes_never_add_up_to_more_than_a_limit(
    monkeypatch: pytest.MonkeyPatch, bursts: list[tuple[int, int]], per_minute: int, per_second: int
) -> None:
    bucket = f"{bursts}{per_minute}{per_second}"
    processes: list[dict[str, Any]] = [{} for _ in range(4)]
    with clock.using(clock.Frozen()) as _:
        passed = 0
        for process, tries in bursts:
            monkeypatch.setattr(rate_limit, "_leases", processes[process])
            passed += passes(bucket, per_minute, per_second, tries)
        tried = sum(tries for _, tries in bursts)
        held = sum(lease.left for leases in processes for lease in leases.values())
        assert passed <= min(per_minute, tried)
        # What did not pass was more than was left, but for what other processes still hold.
        assert passed + held >= min(per_minute, tried)


def test_a_limit_of_its_own_counts_in_its_own_window(frozen: clock.Frozen) -> None:
    windows = [rate_limit.take_one("sign-up", 2, 3_600) for _ in range(3)]
    assert windows[:2] == [None, None]
    assert windows[2] is not None
    assert windows[2].wait == 3_600
    frozen.advance(hours=1)
    assert rate_limit.take_one("sign-up", 2, 3_600) is None


def test_counters_are_deleted_when_nobody_asks_for_them_any_more(frozen: clock.Frozen) -> None:
    rate_limit.take("org", 10, 10)
    rate_limit.take_one("sign-up", 2, 3_600)
    found = [table.decode_item(item) for item in everything("ratelimit")]
    ends = {item["id"].partition("#")[0]: item["expiration"] - frozen.at for item in found}
    assert ends["org"] >= 60
    assert ends["sign-up"] >= 3_600


def test_everything_passes_while_the_limiters_table_is_away(frozen: clock.Frozen) -> None:
    sabotage = Sabotage()
    sabotage.fail("UpdateItem", "ResourceNotFoundException", times=100)
    assert passes("org", 2, 2, 5) == 5
    assert [rate_limit.take_one("sign-up", 1, 60) for _ in range(3)] == [None] * 3
    assert rate_limit.take("org", 2, 2).headers()["X-RateLimit-Limit"] == "2"
