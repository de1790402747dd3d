"""`switchboard law`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.cli import main
from switchboard.kit import clock

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*arguments: str) -> tuple[int, Any, str]:
        code = main(["law", *arguments, "--json"])
        told = capsys.readouterr()
        return code, json.loads(told.out) if told.out else None, told.err

    return command


def test_rows_of_the_release_are_listed(run: Any) -> None:
    code, rows, _ = run("rows")
    assert code == 0
    maine = next(row for row in rows if row["row"] == "US-ME")
    assert (maine["checked"], maine["overdue"], maine["review_by"]) == (False, False, "2027-09-30")
    assert "LD 392 of 2003" in maine["not_checked"]
    assert next(row for row in rows if row["row"] == "US-WA")["not_checked"] is None


def test_rows_can_close_narrow_cap_be_listed_and_removed(run: Any) -> None:
    source = ("--source", "Proclamation 1 JBE 2026")
    code, closed, _ = run("close", "US-LA", "2026-01-15", "2026-02-01", *source)
    assert (code, closed["asks"], closed["last"]) == (0, "closed", "2026-02-01")
    code, window, _ = run("narrow", "GB", "09:00", "18:00", "--days", "sat,sun", "--channel", "voice", *source)
    assert (code, window["asks"], window["channel"]) == (0, "09:00-18:00 sat,sun", "voice")
    code, cap, _ = run("cap", "US-NY", "2", "24", "--from", "2026-02-01", "--review-by", "2026-12-31", *source)
    assert (code, cap["asks"], cap["first"]) == (0, "2 calls in 24 h", "2026-02-01")
    assert {row["row"] for row in run("list")[1]} == {closed["row"], window["row"], cap["row"]}
    assert run("remove", window["row"])[0] == 0
    assert len(run("list")[1]) == 2
    code, _, told = run("remove", window["row"])
    assert (code, "no such row" in told) == (1, True)


def test_a_row_that_changes_nothing_is_refused(run: Any) -> None:
    code, _, told = run("narrow", "US-FL", "07:00", "22:00", "--source", "a lobby")
    assert code == 1
    assert "not stricter" in told


def test_an_overdue_review_ends_with_1(run: Any, frozen: clock.FrozenClock) -> None:
    code, rows, _ = run("overdue")
    assert (code, rows) == (0, [])
    run("cap", "US-NY", "2", "24", "--source", "x", "--review-by", "2026-02-01")
    frozen.advance(days=18)
    code, rows, _ = run("overdue")
    assert (code, len(rows)) == (1, 1)
