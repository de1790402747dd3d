"""Holidays, compared with calendars of past and future years."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from switchboard.compliance.data import holidays
from switchboard.compliance.data.states import STATES


def holidays_of(state: str, year: int) -> list[str]:
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(366))
    return [day.isoformat()[5:] for day in days if day.year == year and holidays.is_holiday(state, day)]


def test_the_federal_holidays_of_2026_and_their_observed_days() -> None:
    expected = "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25"
    assert " ".join(holidays_of("XX", 2026)) == expected


def test_a_new_years_day_on_a_saturday_is_observed_in_the_old_year() -> None:
    assert holidays_of("XX", 2021)[-1] == "12-31"
    assert holidays.is_holiday("XX", date(2022, 1, 1))


def test_a_holiday_on_a_sunday_is_observed_on_monday() -> None:
    assert {"06-19", "06-20", "12-25", "12-26"} <= set(holidays_of("XX", 2022))


@pytest.mark.parametrize(
    ("state", "days"),
    [
        ("AL", {"02-17", "04-27", "06-01", "12-01"}),
        ("LA", {"02-17", "04-03", "11-01", "11-02", "11-03", "11-27"}),
        ("PA", {"04-03", "06-14", "06-15", "11-03"}),
        ("RI", {"05-04", "08-10", "11-03"}),
        ("NE", {"04-24", "11-27"}),
        ("UT", {"06-15", "07-24"}),
    ],
)
def test_the_additional_holidays_of_states_in_2026(state: str, days: set[str]) -> None:
    assert set(holidays_of(state, 2026)) - set(holidays_of("XX", 2026)) == days


def test_every_state_that_closes_on_holidays_has_a_list() -> None:
    assert {state for state, rule in STATES.items() if rule.keeps_holidays} == set(holidays.STATE_HOLIDAYS)


@pytest.mark.parametrize(
    ("year", "good_friday"),
    [(2024, "03-29"), (2025, "04-18"), (2026, "04-03"), (2027, "03-26"), (2028, "04-14"), (2030, "04-19")],
)
def test_good_friday_follows_easter(year: int, good_friday: str) -> None:
    assert good_friday in holidays_of("LA", year)


@pytest.mark.parametrize(
    ("year", "monday"),
    [(2022, "06-20"), (2023, "06-19"), (2024, "06-17"), (2025, "06-16"), (2026, "06-15"), (2027, "06-21")],
)
def test_utah_observes_juneteenth_on_the_monday_of_its_week_or_after_its_weekend(year: int, monday: str) -> None:
    assert monday in holidays_of("UT", year)
    assert len([day for day in holidays_of("UT", year) if day.startswith("06-")]) <= 3


def test_a_holiday_counts_from_the_day_on_which_it_became_one() -> None:
    assert "04-03" not in holidays_of("UT", 2026)
    assert "03-26" in holidays_of("UT", 2027)
    assert "11-03" not in holidays_of("UT", 2026)
    assert "11-02" in holidays_of("UT", 2027)
