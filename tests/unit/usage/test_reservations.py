"""Reservations of a day's cap."""

from __future__ import annotations

import pytest

from switchboard.aws.writes import commit
from switchboard.errors import QuotaExceeded
from switchboard.usage import reservations
from switchboard.usage import service as usage

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
DAY = "2026-01-15"


def reserve(micros: int, cap_cents: int | None, day: str = DAY) -> None:
    charge = reservations.reservation_charge("org_1", "widgets", day, micros, cap_cents, "Wait for tomorrow.")
    usage.commit_within([charge])


def test_reservations_count_like_spending() -> None:
    reserve(60_000, 10)
    with pytest.raises(QuotaExceeded) as refused:
        reserve(60_000, 10)
    assert (refused.value.code, refused.value.details["current"], refused.value.details["cap"]) == (
        "daily_spend_cap",
        6,
        10,
    )
    reserve(40_000, 10)
    commit(reservations.settlement_write("org_1", "widgets", DAY, 60_000, 10_000, 12))
    reserve(50_000, 10)
    (found,) = reservations.list_days("org_1", "widgets", [DAY])
    assert found == (1, 12, 10_000, 100_000)


def test_each_use_has_the_cap_that_it_was_asked_with() -> None:
    reserve(60_000, None)
    reserve(60_000, 12)
    with pytest.raises(QuotaExceeded):
        reserve(1, 12)
    reserve(1, None)


def test_days_are_apart() -> None:
    reserve(60_000, 6)
    reserve(60_000, 6, "2026-01-16")
    found = reservations.list_days("org_1", "widgets", ["2026-01-14", DAY, "2026-01-16"])
    assert [day.counted_micros for day in found] == [0, 60_000, 60_000]
