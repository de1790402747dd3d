"""Figures of calls are equal to a count by hand: in every zone and range, after repeats, other orders and replays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.accounts.models import Organization
from switchboard.analytics import service
from switchboard.analytics.models import RangeFigures
from switchboard.calls.models import Call, CallerMessageState, State
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.kit import clock
from switchboard.projections import service as projections
from tests.unit.analytics.ledger import CountByHand, change_call, count_call, organization, store_call, talk
from tests.unit.properties import example_settings

#: Moments at which a zone sets its clock forward or back: by an hour, or by half an hour.
CHANGES = {
    "America/New_York": (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
    "Europe/Berlin": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "Australia/Lord_Howe": (datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    "Asia/Kathmandu": (datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 12, 31, 18, 15, tzinfo=UTC)),
    "Asia/Beirut": (datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 10, 24, 21, tzinfo=UTC)),
    "UTC": (datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)),
}
FLOWS = (None, "0d0c5e5e-0000-4000-8000-000000000001", "0d0c5e5e-0000-4000-8000-000000000002")
MILLISECOND = timedelta(milliseconds=1)

_offsets = st.one_of(
    st.integers(-60 * 4, 60 * 4).map(lambda quarters: timedelta(minutes=15 * quarters)),
    st.integers(-4 * 86_400_000, 4 * 86_400_000).map(lambda milliseconds: timedelta(milliseconds=milliseconds)),
)
_ends = st.sampled_from(
    [
        {},
        talk(61),
        talk(0, outcome="success"),
        talk(600, outcome="failure", transferred_to="+14155550199"),
        talk(45, end_reason=EndReason.VOICEMAIL),
        {
            "state": State.NO_ANSWER,
            "answered_at": None,
            "end_reason": EndReason.NO_ANSWER,
            "duration_seconds": 0,
        },
        {"state": State.ACTIVE, "answered_at": "2026-01-01T00:00:00.000Z"},
        talk(30, voicemail=CallerMessageState.RECORDED, outcome="other"),
    ]
)
_moods = st.sampled_from([None, None, "positive", "neutral", "negative", "mixed"])
_calls = st.lists(
    st.tuples(_offsets, st.sampled_from(FLOWS), st.sampled_from(["INBOUND", "OUTBOUND"]), _ends, _ends, _moods),
    min_size=1,
    max_size=14,
)


def build_calls(org: Organization, change: datetime, drawn: list[tuple]) -> tuple[list[Call], dict[str, str]]:  # type: ignore[type-arg]
    """Store calls around a moment, each of which ends, is corrected and gets a mood."""
    calls, moods = [], {}
    for offset, flow_id, direction, first, second, mood in drawn:
        call = store_call(org.id, change + offset, flow_id=flow_id, direction=direction)
        count_call(call)
        call = change_call(call, **first)
        count_call(call)
        call = change_call(call, **second, sentiment=mood)
        if mood:
            moods[call.id] = mood
        calls.append(call)
    hidden = {"flow_id": FLOWS[1], **talk(99)}
    for left_out in (store_call(org.id, change, simulated=True, **hidden), store_call(org.id, change, is_test=True)):
        count_call(left_out)
        calls.append(left_out)
    return calls, moods


def report(org: Organization, start: datetime, end: datetime) -> RangeFigures:
    return service.get_analytics(org, 30, start.isoformat(), end.isoformat())


@pytest.mark.usefixtures("cloud")
@example_settings(50, slow=True)
@given(st.data())
def test_figures_are_those_of_a_count_by_hand(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(sorted(CHANGES)))
    change = data.draw(st.sampled_from(CHANGES[zone]))
    org = organization(zone)
    calls, moods = build_calls(org, change, data.draw(_calls))
    # Jobs come in any order, and some of them twice.
    order = data.draw(st.permutations([*calls, *data.draw(st.lists(st.sampled_from(calls), max_size=4))]))
    for call in order:
        count_call(call)
    for _ in range(4):
        start, end = sorted(change + data.draw(_offsets) for _ in range(2))
        # A bound may be exactly the time of a call.
        start = data.draw(st.sampled_from([start, min(clock.parse(call.created_at) for call in calls)]))
        if start >= end:
            end = start + MILLISECOND
        found = report(org, start, end)
        by_hand = CountByHand(calls, moods, org, start, end)
        by_hand.compare(found)
        by_hand.compare_flows(found)


@pytest.mark.usefixtures("cloud")
@example_settings(12, slow=True)
@given(st.data())
def test_clearing_and_a_replay_lead_to_the_same_figures(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(sorted(CHANGES)))
    change = CHANGES[zone][0]
    org = organization(zone)
    calls, _ = build_calls(org, change, data.draw(_calls))
    for call in calls:
        count_call(call)
    start, end = change - timedelta(days=5), change + timedelta(days=5)
    before = report(org, start, end)
    assert projections.clear_projection(org.id, "call_tallies") == before.totals.calls
    empty = report(org, start, end)
    assert empty.totals.calls == 0
    assert not any(empty.totals)
    assert (sum(empty.hours), empty.outcomes, empty.sentiments, empty.flows) == (0, {}, {}, [])
    for call in data.draw(st.permutations(calls)):
        count_call(call)
    again = report(org, start, end)
    assert again == before


@pytest.mark.usefixtures("cloud")
def test_a_year_is_the_sum_of_its_days() -> None:
    org = organization("America/New_York")
    first = datetime(2026, 1, 1, 5, tzinfo=UTC)
    calls = [
        store_call(org.id, first + timedelta(hours=31 * place, minutes=7 * place), **talk(60 + place))
        for place in range(280)
    ]
    for call in calls:
        count_call(call)
    end = first + timedelta(days=365, hours=3, minutes=17)
    found = report(org, first, end)
    CountByHand(calls, {}, org, first, end).compare(found)
    assert len(found.days) == 366
    assert found.totals.calls == 280
