"""The table of states, figure by figure: the legal requirements are written here again, so that every change shows.

After a review of a row, change both places. A state that is new to the table gets a line here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from switchboard.compliance.data.law import AttemptCap, DayWindow, Rule
from switchboard.compliance.data.states import FEDERAL, STATES

#: Rows whose laws are older than any time that the gate checks.
OLDER = "2020-01-01"


@dataclass(frozen=True)
class Row:
    """A row in short: windows as `9-21`, `-` for a closed day; holidays where the state observes them."""

    weekdays: str
    saturday: str
    sunday: str
    since: str = OLDER
    holidays: str | None = None
    voice: str | None = None
    voice_only: bool = False
    zone: str | None = None
    cap: tuple[int, int] | None = None


EXPECTED = {
    "AL": Row("8-20", "8-20", "-", holidays="-"),
    "CA": Row("9-21", "9-21", "9-21", voice_only=True, zone="America/Los_Angeles"),
    "CT": Row("9-20", "9-20", "9-20", since="2023-10-01"),
    "FL": Row("8-20", "8-20", "8-20", since="2021-07-01", cap=(3, 24)),
    "IL": Row("8-21", "8-21", "8-21", voice="9-21"),
    "IN": Row("9-20", "9-20", "9-20", voice_only=True),
    "KY": Row("10-21", "10-21", "10-21"),
    "LA": Row("8-20", "8-20", "-", holidays="-"),
    "MA": Row("8-20", "8-20", "8-20"),
    "MD": Row("8-20", "8-20", "8-20", since="2024-01-01", cap=(3, 24)),
    "ME": Row("9-17", "-", "-", voice_only=True, zone="America/New_York", cap=(1, 8)),
    "MI": Row("9-21", "9-21", "9-21"),
    "MN": Row("9-21", "9-21", "9-21"),
    "MS": Row("8-20", "8-20", "-", since="2023-07-01", zone="America/Chicago"),
    "NE": Row("8-21", "8-21", "13-21", holidays="13-21", voice_only=True),
    "NM": Row("9-21", "9-21", "9-21"),
    "NV": Row("9-20", "9-20", "9-20"),
    "OK": Row("8-20", "8-20", "8-20", since="2022-11-01", cap=(3, 24)),
    "OR": Row("8-20", "8-20", "8-20", since="2026-01-01", cap=(3, 24)),
    "PA": Row("9-19", "9-12", "-", since="2019-12-03", holidays="-"),
    "RI": Row("9-18", "10-17", "-", holidays="-"),
    "SC": Row("8-21", "8-21", "8-21", since="2018-05-18"),
    "SD": Row("9-21", "-", "-"),
    "TX": Row("9-21", "9-21", "12-21"),
    "UT": Row("8-21", "8-21", "-", holidays="-"),
    "WA": Row("8-20", "8-20", "8-20"),
    "WY": Row("8-20", "8-20", "8-20"),
}


def parse_hours(text: str | None) -> DayWindow | None:
    if text in (None, "-"):
        return None
    start, end = text.split("-")
    return DayWindow(int(start) * 60, int(end) * 60)


def facts_of(rule: Rule) -> dict[str, object]:
    """Returns all fields of a row except its source, its review date and its doubts."""
    told = {"source", "review_by", "confidence", "doubt"}
    found = {field.name: getattr(rule, field.name) for field in fields(rule) if field.name not in told}
    return found | {"since": rule.since.isoformat()}


def expected_facts(row: Row) -> dict[str, object]:
    return {
        "since": row.since,
        "weekdays": parse_hours(row.weekdays),
        "saturday": parse_hours(row.saturday),
        "sunday": parse_hours(row.sunday),
        "keeps_holidays": row.holidays is not None,
        "holidays": parse_hours(row.holidays),
        "voice": parse_hours(row.voice),
        "voice_only": row.voice_only,
        "zone": row.zone,
        "cap": row.cap and AttemptCap(*row.cap),
    }


def test_every_state_of_the_table_is_listed_here() -> None:
    new, gone = sorted(set(STATES) - set(EXPECTED)), sorted(set(EXPECTED) - set(STATES))
    assert not new, f"new in data/states.py: {', '.join(new)}. Add a line for each to EXPECTED here."
    assert not gone, f"no longer in data/states.py: {', '.join(gone)}. Remove their lines from EXPECTED here."


@pytest.mark.parametrize("state", sorted(EXPECTED))
def test_a_states_row_matches_the_expected_facts(state: str) -> None:
    if state in STATES:
        assert facts_of(STATES[state]) == expected_facts(EXPECTED[state])


def test_the_federal_row_matches_the_expected_facts() -> None:
    assert facts_of(FEDERAL) == expected_facts(Row("8-21", "8-21", "8-21", since="2003-10-01"))
