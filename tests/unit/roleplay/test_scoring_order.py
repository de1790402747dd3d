"""A score depends on the call, and not on the order in which a queue delivered its reports."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import queues
from switchboard.kit import clock
from switchboard.roleplay import lifecycle, scoring, store, transports
from switchboard.roleplay.models import RoleplayCall, RoleplayEndReason, RoleplayState, TransportReport
from switchboard.roleplay.transports import simulator
from switchboard.timers import store as timer_store
from tests.actors import Reseller, reseller
from tests.integration.sabotage import Later, drain_queue, scan_items, send_due
from tests.unit.properties import example_settings
from tests.unit.roleplay.conftest import list_reports, load_call, redeem_session

DRILL = "fe-closing"


@pytest.fixture
def later(frozen: clock.FrozenClock, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Later:
    """Control the time."""
    timer_store.advance_watermark(clock.now_iso()[:16])
    held = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", held)
    return held


def call_course(call: RoleplayCall) -> list[TransportReport]:
    return list(list_reports(call))


def call_outcome(call: RoleplayCall) -> tuple[RoleplayState, int, list[int] | None, int | None]:
    detail = store.get_scored_call(call.org_id, call.id)
    score = detail.score if detail else None
    return load_call(call).state, load_call(call).turns, score and score.heard, score and score.overall


def test_a_late_last_turn_counts(acme: Reseller, later: Later, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme, "rep_excellent", drill_key=DRILL)
    live, *turns, ended = call_course(call)
    for progress in (live, *turns[:-1], ended):
        lifecycle.apply_report(progress)
    send_due(later, "workers/roleplay", "workers/scoring")
    assert load_call(call).state is RoleplayState.ENDED, "a turn is missing"
    frozen.advance(minutes=5)
    lifecycle.apply_report(turns[-1])
    send_due(later, "workers/roleplay", "workers/scoring")
    assert call_outcome(call) == (RoleplayState.SCORED, len(turns), [*range(len(turns))], 100)


def test_an_end_without_a_number_waits_for_some_seconds(
    acme: Reseller, later: Later, frozen: clock.FrozenClock
) -> None:
    call = redeem_session(acme, "rep_excellent", drill_key=DRILL)
    live, *turns, ended = call_course(call)
    for progress in (live, *turns[:-2], ended.model_copy(update={"turns": None})):
        lifecycle.apply_report(progress)
    frozen.advance(seconds=14)
    send_due(later, "workers/roleplay", "workers/scoring")
    assert load_call(call).state is RoleplayState.ENDED
    lifecycle.apply_report(turns[-2])
    frozen.advance(seconds=1)
    send_due(later, "workers/roleplay", "workers/scoring")
    assert load_call(call).state is RoleplayState.SCORED
    lifecycle.apply_report(turns[-1])
    assert call_outcome(call)[:3] == (RoleplayState.SCORED, len(turns) - 1, [*range(len(turns) - 1)])


def test_an_incomplete_call_is_not_scored(acme: Reseller, later: Later, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme, "rep_excellent", drill_key=DRILL)
    live, first, *turns, ended = call_course(call)
    for progress in (live, *turns, ended):
        lifecycle.apply_report(progress)
    send_due(later, "workers/roleplay", "workers/scoring")
    frozen.advance(minutes=10)
    send_due(later, "workers/roleplay", "workers/scoring")
    assert (load_call(call).state, load_call(call).failure_reason) == (
        RoleplayState.SCORING_FAILED,
        "SCORING_INCOMPLETE",
    )
    assert load_call(call).failure_message == f"Only {len(turns)} of {len(turns) + 1} turns were reported."
    lifecycle.apply_report(first)
    assert load_call(call).state is RoleplayState.SCORING_FAILED


def test_the_number_of_turns_may_come_after_an_end_without_it(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme, "rep_excellent", drill_key=DRILL)
    live, *turns, ended = call_course(call)
    lifecycle.apply_report(live)
    lifecycle.apply_report(ended.model_copy(update={"turns": None, "end_reason": RoleplayEndReason.REP_HANGUP}))
    frozen.advance(seconds=10)
    lifecycle.apply_report(ended)
    assert (load_call(call).expected_turns, load_call(call).end_reason) == (len(turns), RoleplayEndReason.COMPLETED)
    frozen.advance(seconds=10)
    scoring.score_call(call.org_id, call.id)
    assert load_call(call).state is RoleplayState.ENDED, "the wait is for ends without a number of turns"
    for progress in turns:
        lifecycle.apply_report(progress)
    scoring.score_call(call.org_id, call.id)
    assert call_outcome(call)[0] is RoleplayState.SCORED


def test_concurrent_workers_leave_no_call_unscored(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end was counted before the last turn was written, and the turn's worker read the call before it ended."""
    call = redeem_session(acme, drill_key=DRILL)
    live, *turns, ended = call_course(call)
    for progress in (live, *turns[:-1]):
        lifecycle.apply_report(progress)
    counted = store.get_recorded_turns(call.org_id, call.id)
    lifecycle.apply_report(turns[-1])
    with monkeypatch.context() as patched:
        seen = iter([counted])
        patched.setattr(
            store,
            "get_recorded_turns",
            lambda *place: next(seen, None) or store.RecordedTurns(frozenset(range(99)), None),
        )
        lifecycle.apply_report(ended)
    assert "ScoreRoleplay" in list_requested_jobs()


def list_requested_jobs() -> list[str]:
    """The jobs that commits have requested."""
    items = [item["body"]["M"] for item in scan_items("activity") if "M" in item.get("body", {})]
    return [item["job"]["S"] for item in items if "job" in item]


TURNS = 7


@st.composite
def draw_deliveries(draw: st.DrawFn) -> list[int]:
    """A course's reports in any order, some of them twice, with runs of the scoring in between."""
    order = draw(st.permutations(range(-2, TURNS + 1)))
    again = draw(st.lists(st.sampled_from(range(-2, TURNS + 1)), max_size=4))
    looks = [TURNS + 1] * draw(st.integers(0, 4))
    return draw(st.permutations([*order, *again, *looks]))


@example_settings(20, slow=True)
@given(draw_deliveries())
def test_any_order_of_reports_gives_one_score(
    cloud: dict[str, str], frozen: clock.FrozenClock, tenants: list[Reseller], order: list[int]
) -> None:
    tenants[:] = tenants or [reseller()]
    call = redeem_session(tenants[0], "rep_excellent", drill_key=DRILL)
    live, *turns, ended = call_course(call)
    ended = ended.model_copy(update={"turns": TURNS})
    finished = ended.model_copy(update={"turns": None, "end_reason": RoleplayEndReason.REP_HANGUP})
    said: dict[int, TransportReport] = dict(enumerate(turns[:TURNS])) | {-1: live, -2: finished, TURNS: ended}
    for number in order:
        if number > TURNS:
            scoring.score_call(call.org_id, call.id)
        else:
            lifecycle.apply_report(said[number])
    scoring.score_call(call.org_id, call.id)
    found = store.get_scored_call(call.org_id, call.id)
    assert found is not None, order
    assert (load_call(call).state, found.score.heard) == (RoleplayState.SCORED, [*range(TURNS)])
    tenants[1:] = [*tenants[1:], found.score.overall]  # type: ignore[list-item]
    assert len(set(tenants[1:])) == 1, "every order gives the same score"


@pytest.fixture
def tenants() -> list[Any]:
    """The shared state of one test's examples: the tenant, then the scores."""
    return []


def test_a_call_that_nobody_joined_says_so(acme: Reseller, later: Later, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme, "rep_absent")
    for _ in range(2):
        frozen.advance(minutes=3, seconds=1)
        send_due(later, "workers/roleplay", "workers/scoring")
    assert (load_call(call).state, load_call(call).failure_reason) == (
        RoleplayState.SCORING_FAILED,
        "SCORING_INCOMPLETE",
    )
    assert load_call(call).failure_message == "The rep did not join the call, so there is nothing to score."


def test_a_room_is_closed_when_its_call_ends(
    acme: Reseller, later: Later, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(simulator.SimulatedTransport, "close_room", lambda _, room: closed.append(room.name))
    monkeypatch.setattr(simulator.SimulatedTransport, "start_persona", lambda *_: None)
    told, absent, live = (redeem_session(acme, drill_key=DRILL) for _ in range(3))
    for progress in (call_course(told)[0], call_course(told)[-1], call_course(live)[0]):
        lifecycle.apply_report(progress)
    lifecycle.close_room(live.org_id, live.id)
    assert closed == [], "the room has a participant"
    send_due(later, "workers/roleplay")
    frozen.advance(minutes=3, seconds=1)
    send_due(later, "workers/roleplay")
    send_due(later, "workers/roleplay")
    assert {lifecycle.room_of(told).name, lifecycle.room_of(absent).name} <= set(closed)


def test_a_rep_who_joins_an_ended_call_is_removed(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme, drill_key=DRILL)
    live, *turns, ended = call_course(call)
    for progress in (live, *turns, ended):
        lifecycle.apply_report(progress)
    scoring.score_call(call.org_id, call.id)
    before = call_outcome(call)
    assert list_requested_jobs().count("CloseRoom") == 1
    frozen.advance(seconds=5)
    lifecycle.apply_report(live)
    assert (list_requested_jobs().count("CloseRoom"), call_outcome(call)) == (2, before)


def test_a_start_reported_after_the_end_keeps_its_time(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme, drill_key=DRILL)
    start = clock.now_iso()
    live, *turns, ended = call_course(call)
    frozen.advance(seconds=40)
    end = clock.now_iso()
    frozen.advance(seconds=5)
    for progress in (ended.model_copy(update={"at": end}), *turns, live.model_copy(update={"at": start})):
        lifecycle.apply_report(progress)
    assert (load_call(call).started_at, load_call(call).ended_at, load_call(call).duration_seconds) == (start, end, 40)


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"])
def test_a_transports_clock_is_bounded(acme: Reseller, frozen: clock.FrozenClock, at: str) -> None:
    call = redeem_session(acme, drill_key=DRILL)
    frozen.advance(seconds=40)
    for progress in (call_course(call)[0], call_course(call)[-1]):
        lifecycle.apply_report(progress.model_copy(update={"at": at}))
    assert 0 <= load_call(call).duration_seconds <= 40
    assert call.created_at <= (load_call(call).ended_at or "") <= clock.now_iso()


def test_a_ticket_expires_with_the_time_to_join(acme: Reseller) -> None:
    room = lifecycle.room_of(redeem_session(acme))
    assert room.join_seconds < lifecycle.WAIT_LIMIT.total_seconds()
    assert transports.named("simulator").make_ticket(room).token
    drain_queue("roleplay")
