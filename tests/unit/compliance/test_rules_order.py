"""How the rules depend on each other, and when an operator's cap holds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from switchboard.carriers.registries import ReassignedAnswer, RegistryAnswer
from switchboard.compliance.amendments import Amendment
from switchboard.compliance.models import Purpose
from switchboard.compliance.store import Facts
from tests.unit.compliance.gate import NOON, utc, verdict

NEW_YORK, FLORIDA, NOBODY = "+12125551234", "+13055551234", "+12125550142"


def test_a_number_on_the_national_registry_costs_no_paid_query() -> None:
    asked: list[date] = []

    def ask(since: date) -> ReassignedAnswer:
        asked.append(since)
        return "no"

    for on_list in (True, False):
        asked.clear()
        found = verdict(
            NEW_YORK,
            purpose=Purpose.TELEMARKETING,
            ask=ask,
            registered=lambda on_list=on_list: RegistryAnswer(on_list=on_list, as_of=date(2026, 1, 1)),
        )
        assert (found.find_result("national_dnc").result == "block", bool(asked)) == (on_list, not on_list)
    assert found.find_result("reassigned").result == "pass"


def test_information_is_not_held_against_the_national_registry() -> None:
    found = verdict(NEW_YORK, purpose=Purpose.INFORMATIONAL).find_result("national_dnc")
    assert (found.result, found.reason, found.input["purpose"]) == ("skip", "informational", "informational")


@pytest.mark.parametrize(("to", "until"), [(NEW_YORK, "2026-01-16T02:00:00.000Z"), (NOBODY, None)])
def test_a_verdict_ends_with_the_hours_unless_nobody_is_called(to: str, until: str | None) -> None:
    assert verdict(to).allowed_until == until


def row(first: str, last: str, **facts: Any) -> Facts:
    cap = Amendment(
        id="law_1", place="US-NY", kind="cap", calls=1, hours=24, source="a source",
        first=date.fromisoformat(first), last=date.fromisoformat(last), **facts,
    )  # fmt: skip
    return Facts(amendments={"US-NY": [cap]}, attempts=["2026-01-15T16:00:00.000Z"])


@pytest.mark.parametrize(
    ("first", "last", "holds"),
    [
        ("2026-01-10", "2026-01-13", False),
        ("2026-01-10", "2026-01-14", True),
        ("2026-01-15", "2026-01-15", True),
        ("2026-01-16", "2026-01-20", True),
        ("2026-01-17", "2026-01-20", False),
    ],
)
def test_a_cap_of_yesterday_or_tomorrow_may_hold_where_the_recipient_is(first: str, last: str, holds: bool) -> None:
    found = verdict(NEW_YORK, NOON, row(first, last)).find_result("caps")
    assert (found.result == "block") == holds
    assert found.details.get("law") == (["law_1: a source"] if holds else None)


@pytest.mark.parametrize(("channel", "holds"), [("voice", True), ("sms", False)])
def test_a_cap_of_an_operator_holds_for_its_channel(channel: str, holds: bool) -> None:
    facts = row("2026-01-15", "2026-01-15", channel=channel)
    assert (verdict(NEW_YORK, NOON, facts).find_result("caps").result == "block") == holds


def test_a_states_cap_names_its_law() -> None:
    found = verdict(FLORIDA, utc("2026-01-15T17:00:00.000Z")).find_result("caps")
    (law,) = found.details["law"]
    assert law.startswith("US-FL: ")
    assert len(law) > len("US-FL: ")
