"""Every row of law has its source and its dates, and is reviewed in time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from functions.schedules.law.handler import handler
from infra import law
from switchboard import telemetry
from switchboard.compliance import amendment_service
from switchboard.compliance.data import area_codes, consent, countries, disclosures, holidays, review, states
from switchboard.events.models import Actor
from switchboard.kit import clock


def test_no_review_is_overdue() -> None:
    found = review.list_overdue_items(datetime.now(UTC).date())
    assert not found, f"look these up again, and set their review_by: {found}"


def test_every_row_has_a_source_and_dates() -> None:
    for rule in (
        *states.STATES.values(),
        *countries.COUNTRIES.values(),
        countries.ELSEWHERE,
        *consent.WEIGHTS.values(),
        *disclosures.PLACES.values(),
        disclosures.ELSEWHERE,
    ):
        assert rule.source
        assert rule.since < rule.review_by
        assert rule.checked is (rule.confidence == "statute")
        assert bool(rule.not_checked) is not rule.checked, "a row that was not checked must state the reason"
    found = {due.what for due in review.list_review_items()}
    assert found >= {f"US-{state}" for state in states.STATES}
    assert found >= {
        "US",
        "CA",
        "elsewhere",
        "holidays",
        "area codes",
        "consent business-relationship",
        "disclosure EU",
    }


def test_unchecked_rows_are_reviewed_earlier() -> None:
    by = {rule.confidence: rule.review_by for rule in states.STATES.values()}
    assert by["single"] < by["vendors"] < by["statute"]


@pytest.mark.parametrize("day", [holidays.REVIEW_BY, area_codes.REVIEW_BY])
def test_a_row_is_overdue_on_the_day_after_its_review_date(day: date) -> None:
    named = {due.what for due in review.list_review_items() if due.review_by == day}
    assert not named & {due.what for due in review.list_overdue_items(day)}
    assert named <= {due.what for due in review.list_overdue_items(day + timedelta(days=1))}


def test_lint_fails_when_a_row_is_overdue(capsys: pytest.CaptureFixture[str]) -> None:
    with clock.using(clock.FrozenClock("2026-11-29T12:00:00Z")):
        assert law.main() == 0
    with clock.using(clock.FrozenClock("2030-01-01T12:00:00Z")):
        assert law.main() == 1
    assert "US-NE: its review was due by 2027-06-30 (291 Neb. Admin. Code" in capsys.readouterr().err


@pytest.mark.usefixtures("cloud")
def test_a_deployment_counts_overdue_rows(monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> None:
    counted: list[tuple[str, float]] = []
    monkeypatch.setattr(telemetry, "emit_metric", lambda name, value=1, **_: counted.append((name, value)))
    operator = Actor(type="operator", id="ada")
    amendment_service.add_amendment(
        operator, kind="cap", place="US-NY", calls=1, hours=1, source="x", review_by=clock.now().date()
    )
    assert handler({}, None) == {"overdue": 0}
    assert not counted
    frozen.advance(days=1)
    assert handler({}, None) == {"overdue": 1}
    assert counted == [("LawReviewOverdue", 1)]
