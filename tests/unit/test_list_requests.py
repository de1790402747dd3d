"""HUM's lists, counts and reports take no more requests than their limits, at any number of calls."""

from __future__ import annotations

import pytest

from tests.load import counted_tables, lists


def test_lists_counts_and_reports_take_few_requests_at_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the requests are counted here, and not the round trips.
    monkeypatch.setattr(counted_tables, "_WAIT_SECONDS", 0)
    few, many = lists.measure_lists(200), lists.measure_lists(1_600)
    for name, asked in lists.ASKED.items():
        advice = "see tests/load/lists.py"
        assert len(many[name].requests) <= asked.limit.requests, f"{name} takes too many requests: {advice}"
        if asked.limit is not lists.NAME:
            assert abs(len(many[name].requests) - len(few[name].requests)) <= 1, f"{name} grows with the history"
