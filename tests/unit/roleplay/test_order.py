"""A score says how a call went, and not in which order a queue delivered it."""

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
from tests.integration.sabotage import Later, drain, everything, pass_on
from tests.unit.properties import examples
from tests.unit.roleplay.conftest import now, redeemed, reports

DRILL = "fe-closing"


@pytest.fixture
def later(frozen: clock.FrozenClock, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Later:
    """Let time be the test's."""
    timer_store.advance_watermark(clock.now_iso()[:16])
    held = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", held)
    return held


def course(call: RoleplayCall) -> list[TransportReport]:
    return list(reports(call))


def outcome(call: RoleplayCall) -> tuple[RoleplayState, int, list[int] | None, int | None]:
    detail = store.get_scored_call(call.org_id, call.id)
    score = detail.score if detail else None
    return now(call).state, now(call).turns, score and score.heard, score and score.overall


def test_a_last_turn_that_is_late_counts(acme: Reseller, later: Later, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme, "rep_excellent", drill_key=DRILL)
    live, *turns, ended = course(call)
    for progress in (live, *turns[:-1], ended):
        lifecycle.apply_report(progress)
    pass_on(later, "workers/roleplay", "workers/scoring")
    assert now(call).state is RoleplayState.ENDED, "a turn is missing"
    frozen.advance(minutes=5)
    lifecycle.apply_report(turns[-1])
    pass_on(later, "workers/roleplay", "workers/scoring")
    assert outcome(call) == (RoleplayState.SCORED, len(turns), [*range(len(turns))], 100)


def test_an_end_without_a_number_waits_for_some_seconds(
    acme: Reseller, later: Later, frozen: clock.FrozenClock
) -> None:
    call = redeemed(acme, "rep_excellent", drill_key=DRILL)
    live, *turns, ended = course(call)
    for progress in (live, *turns[:-2], ended.model_copy(update={"turns": None})):
        lifecycle.apply_report(progress)
    frozen.advance(seconds=14)
    pass_on(later, "workers/roleplay", "workers/scoring")
    assert now(call).state is RoleplayState.ENDED
    lifecycle.apply_report(turns[-2])
    frozen.advance(seconds=1)
    pass_on(later, "workers/roleplay", "workers/scoring")
    assert now(call).state is RoleplayState.SCORED
    lifecycle.apply_report(turns[-1])
    assert outcome(call)[:3] == (RoleplayState.SCORED, len(turns) - 1, [*range(len(turns) - 1)])


def test_a_part_of_a_call_is_not_scored(acme: Reseller, later: Later, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme, "rep_excellent", drill_key=DRILL)
    live, first, *turns, ended = course(call)
    for progress in (live, *turns, ended):
        lifecycle.apply_report(progress)
    pass_on(later, "workers/roleplay", "workers/scoring")
    frozen.advance(minutes=10)
    pass_on(later, "workers/roleplay", "workers/scoring")
    assert (now(call).state, now(call).failure_reason) == (RoleplayState.SCORING_FAILED, "SCORING_INCOMPLETE")
    assert now(call).failure_message == f"Only {len(turns)} of {len(turns) + 1} turns were reported."
    lifecycle.apply_report(first)
    assert now(call).state is RoleplayState.SCORING_FAILED


def test_the_number_of_turns_may_come_after_an_end_without_it(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme, "rep_excellent", drill_key=DRILL)
    live, *turns, ended = course(call)
    lifecycle.apply_report(live)
    lifecycle.apply_report(ended.model_copy(update={"turns": None, "end_reason": RoleplayEndReason.REP_HANGUP}))
    frozen.advance(seconds=10)
    lifecycle.apply_report(ended)
    assert (now(call).expected_turns, now(call).end_reason) == (len(turns), RoleplayEndReason.COMPLETED)
    frozen.advance(seconds=10)
    scoring.score_call(call.org_id, call.id)
    assert now(call).state is RoleplayState.ENDED, "the grace is for ends that tell no number"
    for progress in turns:
        lifecycle.apply_report(progress)
    scoring.score_call(call.org_id, call.id)
    assert outcome(call)[0] is RoleplayState.SCORED


def test_workers_that_do_not_see_each_other_leave_no_call_waiting(
    acme: Reseller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end counted before the last turn was written, and the turn's worker read the call before it ended."""
    call = redeemed(acme, drill_key=DRILL)
    live, *turns, ended = course(call)
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
    assert "ScoreRoleplay" in asked()


def asked() -> list[str]:
    """The jobs that commits have asked for."""
    items = [item["body"]["M"] for item in everything("activity") if "M" in item.get("body", {})]
    return [item["job"]["S"] for item in items if "job" in item]


TURNS = 7


@st.composite
def deliveries(draw: st.DrawFn) -> list[int]:
    """A course's reports in any order, some of them twice, with a look at the scoring here and there."""
    order = draw(st.permutations(range(-2, TURNS + 1)))
    again = draw(st.lists(st.sampled_from(range(-2, TURNS + 1)), max_size=4))
    looks = [TURNS + 1] * draw(st.integers(0, 4))
    return draw(st.permutations([*order, *again, *looks]))


@examples(20, slow=True)
@given(deliveries())
def test_any_order_of_reports_comes_to_one_score(
    cloud: dict[str, str], frozen: clock.FrozenClock, tenants: list[Reseller], order: list[int]
) -> None:
    tenants[:] = tenants or [reseller()]
    call = redeemed(tenants[0], "rep_excellent", drill_key=DRILL)
    live, *turns, ended = course(call)
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
    assert (now(call).state, found.score.heard) == (RoleplayState.SCORED, [*range(TURNS)])
    tenants[1:] = [*tenants[1:], found.score.overall]  # type: ignore[list-item]
    assert len(set(tenants[1:])) == 1, "every order has the same score"


@pytest.fixture
def tenants() -> list[Any]:
    """What the examples of one test share: the tenant, then the scores."""
    return []


# --- rooms and reps ---------------------------------------------------------------------------------------------


def test_a_call_that_nobody_came_to_says_so(acme: Reseller, later: Later, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme, "rep_absent")
    for _ in range(2):
        frozen.advance(minutes=3, seconds=1)
        pass_on(later, "workers/roleplay", "workers/scoring")
    assert (now(call).state, now(call).failure_reason) == (RoleplayState.SCORING_FAILED, "SCORING_INCOMPLETE")
    assert now(call).failure_message == "The rep did not join the call, so there is nothing to score."


def test_a_room_is_closed_when_its_call_ends(
    acme: Reseller, later: Later, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(simulator.SimulatedTransport, "close", lambda _, room: closed.append(room.name))
    monkeypatch.setattr(simulator.SimulatedTransport, "begin", lambda *_: None)
    told, absent, live = (redeemed(acme, drill_key=DRILL) for _ in range(3))
    for progress in (course(told)[0], course(told)[-1], course(live)[0]):
        lifecycle.apply_report(progress)
    lifecycle.close_room(live.org_id, live.id)
    assert closed == [], "somebody is in there"
    pass_on(later, "workers/roleplay")
    frozen.advance(minutes=3, seconds=1)
    pass_on(later, "workers/roleplay")
    pass_on(later, "workers/roleplay")
    assert {lifecycle.room_of(told).name, lifecycle.room_of(absent).name} <= set(closed)


def test_a_rep_who_comes_into_a_call_that_is_over_is_put_out(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme, drill_key=DRILL)
    live, *turns, ended = course(call)
    for progress in (live, *turns, ended):
        lifecycle.apply_report(progress)
    scoring.score_call(call.org_id, call.id)
    before = outcome(call)
    assert asked().count("CloseRoom") == 1
    frozen.advance(seconds=5)
    lifecycle.apply_report(live)
    assert (asked().count("CloseRoom"), outcome(call)) == (2, before)


def test_a_start_that_is_reported_after_the_end_is_when_it_was(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme, drill_key=DRILL)
    start = clock.now_iso()
    live, *turns, ended = course(call)
    frozen.advance(seconds=40)
    end = clock.now_iso()
    frozen.advance(seconds=5)
    for progress in (ended.model_copy(update={"at": end}), *turns, live.model_copy(update={"at": start})):
        lifecycle.apply_report(progress)
    assert (now(call).started_at, now(call).ended_at, now(call).duration_seconds) == (start, end, 40)


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"])
def test_a_transports_clock_is_not_taken_beyond_reason(acme: Reseller, frozen: clock.FrozenClock, at: str) -> None:
    call = redeemed(acme, drill_key=DRILL)
    frozen.advance(seconds=40)
    for progress in (course(call)[0], course(call)[-1]):
        lifecycle.apply_report(progress.model_copy(update={"at": at}))
    assert 0 <= now(call).duration_seconds <= 40
    assert call.created_at <= (now(call).ended_at or "") <= clock.now_iso()


def test_a_ticket_ends_with_the_time_to_come_in_before_the_call_does(acme: Reseller) -> None:
    room = lifecycle.room_of(redeemed(acme))
    assert room.join_seconds < lifecycle.WAIT_LIMIT.total_seconds()
    assert transports.named("simulator").ticket(room).token
    drain("roleplay")
