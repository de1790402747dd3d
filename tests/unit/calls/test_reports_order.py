"""Reports in any order: the sequence numbers and times of the provider decide."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.models import State
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, tenant
from tests.fakes.voice import Provider
from tests.unit.calls.live_calls import (
    after_report,
    build_call,
    dial_call,
    read_call,
    report_progress,
)
from tests.unit.properties import example_settings

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, provider: Provider) -> Tenant:
    return tenant()


def test_a_resumption_before_its_hold_wins(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered", sequence=2)
    report_progress(call, "resumed", sequence=5)
    report_progress(call, "hold", sequence=4)
    assert read_call(call).state is State.ACTIVE
    report_progress(call, "hold", sequence=6)
    assert read_call(call).state is State.HOLD
    report_progress(call, "resumed", sequence=5)
    assert read_call(call).state is State.HOLD, "an older report again"


def test_without_sequence_numbers_the_providers_time_decides(acme: Tenant, frozen: clock.FrozenClock) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    frozen.advance(seconds=10)
    earlier = clock.now_iso()
    frozen.advance(seconds=10)
    later = clock.now_iso()
    report_progress(call, "resumed", at=later)
    report_progress(call, "hold", at=earlier)
    assert read_call(call).state is State.ACTIVE


@example_settings(60)
@given(data=st.data())
def test_the_last_hold_or_resumption_wins_in_any_order_of_reports(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(["hold", "resumed"]), min_size=1, max_size=5))
    arriving = data.draw(st.permutations([*enumerate(words), *enumerate(words)]))
    call = build_call("active")
    for sequence, kind in arriving:
        call = after_report(call, kind, sequence=sequence)
    assert call.state is (State.HOLD if words[-1] == "hold" else State.ACTIVE)


def test_provider_times_are_kept_if_they_are_plausible(acme: Tenant, frozen: clock.FrozenClock) -> None:
    frozen.advance(seconds=60)
    call = dial_call(acme)
    begun = read_call(call).started_at
    frozen.advance(seconds=90)
    answered = clock.now_iso()
    frozen.advance(seconds=30)
    report_progress(call, "answered", at=answered)
    assert read_call(call).answered_at == answered
    frozen.advance(seconds=30)
    ended = clock.now_iso()
    frozen.advance(seconds=45)
    report_progress(call, "ended", at=ended, end_reason=EndReason.COMPLETED, outcome="success")
    assert (read_call(call).ended_at, read_call(call).duration_seconds) == (ended, 60)

    for at, kept in [("1999-01-01T00:00:00Z", begun), ("2999-01-01T00:00:00Z", None), ("yesterday", None)]:
        other = dial_call(acme)
        begun = read_call(other).started_at
        report_progress(other, "answered", at=at)
        assert read_call(other).answered_at == (begun if kept else clock.now_iso())


def test_every_order_of_reports_leads_to_the_same_call() -> None:
    facts: list[tuple[str, dict[str, Any]]] = [
        ("answered", {"answered_by": "human", "at": None}),
        ("hold", {"sequence": 4}),
        ("resumed", {"sequence": 5}),
        ("ended", {"end_reason": EndReason.COMPLETED, "duration_seconds": 61}),
        ("analyzed", {"outcome": "success", "summary": "Done."}),
    ]
    ends = set()
    for order in itertools.permutations(facts):
        call = build_call("ringing")
        for kind, more in [*order, order[0]]:
            call = after_report(call, kind, **more)
        ends.add((call.state, call.outcome, call.duration_seconds, call.cost_micros, call.answered_by, call.end_reason))
    price = 2 * usage.price_micros(Meter.VOICE_BASIC)
    assert ends == {(State.COMPLETED, "success", 61, price, "human", EndReason.COMPLETED)}
