"""The state of a limit, in headers and seconds."""

from __future__ import annotations

import pytest

from switchboard.edge.rate_counters import Limits, Window
from switchboard.kit import clock


@pytest.fixture
def now(frozen: clock.FrozenClock) -> int:
    """Twenty seconds into a minute."""
    frozen.at = 1_700_000_000 // 60 * 60 + 20
    return int(frozen.at)


def test_the_headers_of_both_windows(now: int, frozen: clock.FrozenClock) -> None:
    limits = Limits.from_counts(now, 100, 10, 30, 4)
    assert limits.headers() == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "70",
        "X-RateLimit-Reset": str(now + 40),
        "X-RateLimit-Sec-Limit": "10",
        "X-RateLimit-Sec-Remaining": "6",
        "X-RateLimit-Sec-Reset": str(now + 1),
        "RateLimit-Policy": '"minute";q=100;w=60, "second";q=10;w=1',
        "RateLimit": '"minute";r=70;t=40, "second";r=6;t=1',
    }
    frozen.advance(seconds=40)
    assert limits.headers()["RateLimit"] == '"minute";r=70;t=0, "second";r=6;t=0'


def test_no_less_than_nothing_is_left_and_a_request_is_allowed_unless_it_is_said(now: int) -> None:
    limits = Limits.from_counts(now, 100, 10, 101, 11)
    assert (limits.minute.remaining, limits.second.remaining, limits.allowed) == (0, 0, True)
    assert not Limits.from_counts(now, 1, 1, 0, 0, allowed=False).allowed
    assert Limits(limits.minute, limits.second).allowed


@pytest.mark.parametrize(
    ("used", "wait"),
    [((100, 10), 40), ((100, 4), 40), ((99, 10), 1), ((30, 4), 40)],
    ids=["both", "the minute", "the second", "none"],
)
def test_the_window_that_is_waited_for(now: int, used: tuple[int, int], wait: int) -> None:
    assert Limits.from_counts(now, 100, 10, *used).retry_after == wait


def test_at_least_a_second_is_waited_for(now: int) -> None:
    assert [Window(1, 0, now + ahead, 60).wait_seconds for ahead in (-5, 0, 1, 2)] == [1, 1, 1, 2]


def test_windows_are_those_of_the_clock(now: int) -> None:
    limits = Limits.from_counts(now, 100, 10, 0, 0)
    assert (limits.minute, limits.second) == (Window(100, 100, now + 40, 60), Window(10, 10, now + 1, 1))
