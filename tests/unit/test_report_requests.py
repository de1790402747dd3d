"""The dashboard and the reports take no more requests than their targets, at any number of calls."""

from __future__ import annotations

from tests.load import analytics


def test_reports_take_few_requests_at_any_length() -> None:
    few, many = analytics.measure_reports(150), analytics.measure_reports(15_000)
    for name, (_, _, (_, requests)) in analytics.ASKED.items():
        assert len(many[name].requests) <= requests, f"{name} takes too many requests: see tests/load/analytics.py"
        assert abs(len(many[name].requests) - len(few[name].requests)) <= 1, f"{name} grows with the history"
