"""A page of calls takes no more requests than its target, at any number of calls."""

from __future__ import annotations

from tests.load import call_lists


def test_lists_of_calls_take_few_requests_at_any_length() -> None:
    few, many = call_lists.measure_lists(150), call_lists.measure_lists(1_500)
    for name, (_, _, (_, requests)) in call_lists.ASKED.items():
        assert len(many[name].requests) <= requests, f"{name} takes too many requests: see tests/load/call_lists.py"
        assert abs(len(many[name].requests) - len(few[name].requests)) <= 1, f"{name} grows with the history"
