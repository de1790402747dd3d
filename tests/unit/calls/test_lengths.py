"""The times of a record agree, for reports in any order and with any clocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls import ending, failures, lengths, store, timeouts
from switchboard.calls.models import OVER_STATES, Call, State
from switchboard.carriers.voice.ports.reports import EndReason, Turn
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, tenant
from tests.unit.calls.live_calls import after_report, build_call, dial_call, read_call, report_progress, report_turn
from tests.unit.properties import example_settings

START = "2026-01-15T17:00:00.000Z"
PRICE = usage.price_micros(Meter.VOICE_BASIC)
MILLISECONDS = st.integers(-5_000, 200_000)


def moment(milliseconds: int) -> str:
    return clock.format_iso(clock.from_epoch(clock.parse(START).timestamp() + milliseconds / 1_000))


def told(kind: str, **facts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(kind), "at": st.none() | MILLISECONDS.map(moment), **facts})


REPORTS = st.lists(
    st.one_of(
        told("ringing"),
        told("answered", answered_by=st.sampled_from([None, "human", "machine_start"])),
        told("machine", answered_by=st.just("machine_start")),
        told("hold"),
        told("resumed"),
        told("analyzed", outcome=st.just("success")),
        told("transferred", to=st.just("+14155550177"), duration_seconds=st.none() | st.integers(0, 90)),
        told(
            "ended",
            end_reason=st.sampled_from(list(EndReason)),
            duration_seconds=st.none() | st.integers(0, 200) | st.just(10**9),
        ),
        st.just({"kind": "watch"}),
    ),
    max_size=7,
)
PAUSES = st.lists(st.integers(0, 90_000), min_size=8, max_size=8)


def assert_agrees(call: Call) -> None:
    """Asserts that the times, the length and the cost of a call agree with each other."""
    begun = call.started_at or call.created_at
    if call.answered_at:
        assert begun <= call.answered_at
    if call.ended_at is None:
        assert call.duration_seconds is None
        return
    assert begun <= call.ended_at
    if call.answered_at is None:
        assert call.duration_seconds == 0
    else:
        assert call.answered_at <= call.ended_at
        length = clock.seconds_between(clock.parse(call.answered_at), clock.parse(call.ended_at))
        assert call.duration_seconds == length
    minutes = -(-(call.duration_seconds or 0) // 60) - (-call.transfer_seconds // 60)
    assert call.cost_micros == minutes * PRICE
    talks = [Turn(number=n, speaker="caller", text="Yes.", start_ms=0, end_ms=ms) for n, ms in enumerate((1, 10**7))]
    shown = list(lengths.fit_turns(call, talks))
    assert bool(shown) == (call.answered_at is not None)
    for turn in shown:
        assert turn.start_ms <= turn.end_ms
        assert moment_of(call, turn.end_ms) <= call.ended_at
    if call.state in {State.BUSY, State.NO_ANSWER, State.FAILED, State.CANCELED}:
        assert (failures.describe_failure(call) or "").endswith(".")


def moment_of(call: Call, milliseconds: int) -> str:
    assert call.answered_at is not None
    return clock.format_iso(clock.from_epoch(clock.parse(call.answered_at).timestamp() + milliseconds / 1_000))


@example_settings(400)
@given(state=st.sampled_from(["dialing", "ringing", "unconfirmed", "active"]), reports=REPORTS, pauses=PAUSES)
def test_the_times_of_a_record_agree_after_every_report(
    state: str, reports: Sequence[dict[str, Any]], pauses: Sequence[int]
) -> None:
    frozen = clock.FrozenClock(START)
    with clock.using(frozen):
        call = build_call(state).model_copy(update={"started_at": clock.now_iso()})
        for report, pause in zip(reports, pauses, strict=False):
            frozen.advance(milliseconds=pause)
            facts = dict(report)
            kind = facts.pop("kind")
            if kind == "watch":
                changed = timeouts.decide_expired(call, call.state)
                call = changed[0] if changed else call
            else:
                call = after_report(call, kind, **facts)
            assert_agrees(call)


@pytest.mark.usefixtures("cloud")
class TestStored:
    """Calls with stored turns."""

    @pytest.fixture
    def call(self, cloud: dict[str, str], frozen: clock.FrozenClock) -> Call:
        acme: Tenant = tenant()
        return dial_call(acme)

    @pytest.mark.parametrize("turn_first", [True, False])
    def test_a_turn_of_the_person_proves_an_answer_whose_report_is_lost(
        self, call: Call, frozen: clock.FrozenClock, turn_first: bool
    ) -> None:
        frozen.advance(seconds=50)
        steps: list[Callable[[], None]] = [
            lambda: report_turn(call, "Hello, who is there?"),
            lambda: report_progress(call, "ended", end_reason=EndReason.CALLER_HANGUP, duration_seconds=40),
        ]
        for step in steps if turn_first else reversed(steps):
            step()
        found = read_call(call)
        assert (found.state in OVER_STATES, found.duration_seconds) == (True, 40)
        assert found.state is not State.NO_ANSWER
        assert_agrees(found)

    def test_words_of_the_agent_alone_are_no_talk(self, call: Call, frozen: clock.FrozenClock) -> None:
        report_turn(call, "Hello?", speaker="agent")
        frozen.advance(seconds=20)
        report_progress(call, "ended", end_reason=EndReason.NO_ANSWER, duration_seconds=20)
        found = read_call(call)
        assert (found.state, found.duration_seconds, found.answered_at) == (State.NO_ANSWER, 0, None)
        assert list(lengths.fit_turns(found, store.list_turns(found.org_id, found.id))) == []


def test_the_answer_moves_if_its_report_came_late() -> None:
    frozen = clock.FrozenClock(START)
    with clock.using(frozen):
        call = build_call("ringing").model_copy(update={"started_at": START, "answered_at": moment(40_000)})
        frozen.advance(seconds=60)
        times = lengths.fit_times(call, clock.now(), 45)
    assert times == (moment(15_000), moment(60_000), 45)


def test_an_end_that_nobody_reported_is_a_minute_after_the_answer() -> None:
    frozen = clock.FrozenClock(START)
    with clock.using(frozen):
        call = build_call("active")
        frozen.advance(hours=1)
        changed = ending.end_call(call, ending.CallEnd(EndReason.TIMEOUT, provisional=True))
    assert changed is not None
    assert (changed[0].ended_at, changed[0].duration_seconds) == (moment(60_000), 60)
