"""A call's way from made to ended, however its transport reports it, or does not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from switchboard.audit import service as audit
from switchboard.aws import queues
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.roleplay import lifecycle, scoring, store
from switchboard.roleplay.judges.models import PracticeSpeaker, PracticeTurn
from switchboard.roleplay.models import (
    CALL_MOVES,
    TERMINAL_STATES,
    RoleplayCall,
    RoleplayEndReason,
    RoleplayState,
    TransportReport,
)
from switchboard.roleplay.transports import simulator
from switchboard.timers import store as timer_store
from tests.actors import Reseller
from tests.integration.sabotage import Later, Stream, everything, tick, work
from tests.unit.roleplay.conftest import now, practised, redeemed, reports

TURN = PracticeTurn(number=0, speaker=PracticeSpeaker.REP, text="Hello.", start_ms=0, end_ms=300)


PassTime = Callable[..., None]


@pytest.fixture
def pass_time(frozen: clock.FrozenClock, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> PassTime:
    """Let time pass, and do what is due."""
    timer_store.advance_watermark(clock.now_iso()[:16])
    later = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", later)
    stream = Stream()

    def run(**by: float) -> None:
        stream.hand_on()
        frozen.advance(**by)
        tick()
        stream.hand_on()
        later.bring()
        work("workers/roleplay")

    return run


def report(call: RoleplayCall, kind: str, **facts: Any) -> None:
    lifecycle.apply_report(TransportReport(org_id=call.org_id, call_id=call.id, kind=kind, **facts))


def actions(acme: Reseller, call: RoleplayCall) -> list[str]:
    entries, _ = audit.list_workflow_events(acme.tenant.caller(master=True), call.correlation_id, 500, None)
    return [entry.document["action"] for entry in entries]


def test_every_move_goes_forward_and_every_call_can_end() -> None:
    order = list(RoleplayState)
    assert CALL_MOVES.keys() == set(RoleplayState)
    assert all(order.index(after) > order.index(before) for before, moves in CALL_MOVES.items() for after in moves)
    assert {state for state, moves in CALL_MOVES.items() if not moves} == TERMINAL_STATES


def test_a_call_goes_live_talks_and_ends(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme, drill_key="fe-objection-handling")
    for progress in reports(call):
        lifecycle.apply_report(progress)
        frozen.advance(seconds=1)
    ended = now(call)
    turns = store.list_turns(call.org_id, call.id)
    assert (ended.state, ended.end_reason, ended.turns) == (
        RoleplayState.ENDED,
        RoleplayEndReason.COMPLETED,
        len(turns),
    )
    assert ended.duration_seconds == 1 + len(turns)
    assert [turn.number for turn in turns] == list(range(len(turns)))
    told = actions(acme, call)
    assert told[-1] == "roleplay.call.ended"
    assert told.count("roleplay.call.turn") == len(turns)


def test_reports_that_come_twice_change_nothing(acme: Reseller) -> None:
    call = redeemed(acme, drill_key="fe-objection-handling")
    for progress in reports(call):
        lifecycle.apply_report(progress)
        before = now(call)
        lifecycle.apply_report(progress)
        assert now(call) == before


def test_reports_in_another_order_come_to_the_same_end(acme: Reseller) -> None:
    call = redeemed(acme, drill_key="fe-objection-handling")
    course = list(reports(call))
    for progress in (*course[3:], *course[:3]):
        lifecycle.apply_report(progress)
    assert now(call).state is RoleplayState.ENDED
    assert len(store.list_turns(call.org_id, call.id)) == len(course) - 2


def test_nothing_is_said_in_a_call_that_is_being_scored(acme: Reseller) -> None:
    call = redeemed(acme)
    for state in (RoleplayState.SCORING, RoleplayState.SCORED, RoleplayState.SCORING_FAILED):
        later = now(call)
        store.CALLS.change(call.org_id, call.id, lambda one, state=state: (next_version(one, state=state), []))
        report(call, "turn", turn=TURN)
        assert now(call).version == later.version + 1
    assert store.list_turns(call.org_id, call.id) == []


def test_no_late_report_moves_a_call_back(acme: Reseller) -> None:
    call = redeemed(acme)
    for state in (RoleplayState.ENDED, RoleplayState.SCORING, RoleplayState.SCORED, RoleplayState.SCORING_FAILED):
        store.CALLS.change(call.org_id, call.id, lambda one, state=state: (next_version(one, state=state), []))
        for kind in ("live", "ended"):
            report(call, kind)
            assert now(call).state is state


def test_a_report_of_a_call_that_is_not_there_is_passed_over(acme: Reseller) -> None:
    call = redeemed(acme).model_copy(update={"id": "athos_call_" + "x" * 21})
    report(call, "live")
    assert store.CALLS.get(call.org_id, call.id) is None


# --- what is forgotten ------------------------------------------------------------------------------------------


def test_a_call_that_nobody_comes_to_is_ended(acme: Reseller, pass_time: PassTime) -> None:
    call = redeemed(acme, "rep_absent")
    pass_time(minutes=2, seconds=59)
    assert now(call).state is RoleplayState.CREATED
    pass_time(seconds=2)
    assert (now(call).state, now(call).end_reason, now(call).duration_seconds) == (
        RoleplayState.ENDED,
        RoleplayEndReason.NEVER_LIVE,
        0,
    )


def test_a_call_whose_rep_is_gone_is_ended_when_the_silence_is_long_enough(acme: Reseller, pass_time: PassTime) -> None:
    call = redeemed(acme, "rep_vanishes")
    report(call, "live")
    pass_time(seconds=100)
    report(call, "turn", turn=TURN)
    pass_time(seconds=100)
    assert now(call).state is RoleplayState.LIVE, "it was heard of in between"
    pass_time(seconds=21)
    assert (now(call).state, now(call).end_reason) == (RoleplayState.ENDED, RoleplayEndReason.VANISHED)


def test_a_watch_that_fires_twice_goes_on_once(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme)
    report(call, "live")
    until = now(call).watched_until
    assert until
    frozen.advance(seconds=100)
    report(call, "turn", turn=TURN)
    heard_at = clock.now()
    frozen.advance(seconds=20)
    lifecycle.watch_call(call.org_id, call.id, until)
    renewed = now(call)
    lifecycle.watch_call(call.org_id, call.id, until)
    assert now(call) == renewed
    assert renewed.watched_until == clock.format_iso(heard_at + lifecycle.silence_limit())


def test_no_call_is_longer_than_an_hour(acme: Reseller, pass_time: PassTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_ROLEPLAY_SILENCE_SECONDS", "7200")
    call = redeemed(acme)
    report(call, "live")
    pass_time(minutes=59, seconds=59)
    assert now(call).state is RoleplayState.LIVE
    pass_time(seconds=2)
    assert (now(call).state, now(call).end_reason) == (RoleplayState.ENDED, RoleplayEndReason.TOO_LONG)


def test_a_timer_that_comes_too_late_ends_nothing(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme)
    report(call, "live")
    lifecycle.close_call(call.org_id, call.id, RoleplayState.CREATED)
    assert now(call).state is RoleplayState.LIVE


@pytest.mark.parametrize("silence", ["120", "7200"])
def test_after_any_end_no_timer_of_a_call_is_left(
    acme: Reseller, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, silence: str
) -> None:
    monkeypatch.setenv("SWITCHBOARD_ROLEPLAY_SILENCE_SECONDS", silence)
    absent, silent, told, long, late = (redeemed(acme) for _ in range(5))
    for call in (silent, told, long):
        report(call, "live")
    report(told, "turn", turn=TURN)
    assert now(long).watch
    lifecycle.close_call(absent.org_id, absent.id, RoleplayState.CREATED.value)
    frozen.advance(seconds=float(silence) / 2)
    report(silent, "turn", turn=TURN)
    for seconds in (float(silence) / 2, float(silence)):
        frozen.advance(seconds=seconds)
        lifecycle.watch_call(silent.org_id, silent.id, now(silent).watched_until or "")
    report(told, "ended")
    lifecycle.close_call(long.org_id, long.id, RoleplayState.LIVE.value)
    report(late, "ended")
    calls = (absent, silent, told, long, late)
    assert {now(call).state for call in calls} == {RoleplayState.ENDED}
    assert len(timers()) == len(calls), "each has half an hour to be scored"
    frozen.advance(seconds=15)
    for call in calls[1:]:
        scoring.score_call(call.org_id, call.id)
    scoring.give_up_scoring(absent.org_id, absent.id)
    assert all(now(call).state in TERMINAL_STATES for call in calls)
    assert timers() == []


def test_a_scored_call_has_no_timer_left(acme: Reseller) -> None:
    call = practised(acme)
    assert [f"{item['pk']['S']}|{item['sk']['S']}" for item in timers()] == [now(call).watch]
    scoring.score_call(call.org_id, call.id)
    assert (now(call).state, now(call).watch, timers()) == (RoleplayState.SCORED, None, [])


def test_what_is_said_changes_nothing_of_the_call(acme: Reseller) -> None:
    call = redeemed(acme)
    report(call, "live")
    before = now(call)
    report(call, "turn", turn=TURN)
    assert now(call) == before


def timers() -> list[dict[str, Any]]:
    return [item for item in everything("activity") if item["pk"]["S"].startswith("timer#")]


# --- the simulator ----------------------------------------------------------------------------------------------


def test_a_call_is_begun_by_its_event_and_by_no_other_state(acme: Reseller) -> None:
    call = redeemed(acme)
    lifecycle.begin_call(call.org_id, call.id)
    work("workers/roleplay")
    assert now(call).state is RoleplayState.LIVE
    course = simulator.course(lifecycle.room_of(call), step=2)
    assert [steps for steps, _ in course] == list(range(len(course)))


@pytest.mark.parametrize(
    ("user", "kinds"),
    [("rep_absent", []), ("rep_silent", ["live", "turn", "ended"]), ("rep_vanishes", ["live", *["turn"] * 6])],
)
def test_magic_reps_do_what_their_names_say(acme: Reseller, user: str, kinds: list[str]) -> None:
    assert [progress.kind for progress in reports(redeemed(acme, user))] == kinds


def test_a_turn_ends_before_the_next_begins(acme: Reseller) -> None:
    turns = [progress.turn for progress in reports(redeemed(acme)) if progress.turn]
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(turns))
    assert all(turn.start_ms < turn.end_ms for turn in turns)


def test_harder_personas_and_other_drills_make_other_calls(acme: Reseller) -> None:
    def said(**wish: Any) -> list[str]:
        return [progress.turn.text for progress in reports(redeemed(acme, "rep_excellent", **wish)) if progress.turn]

    calls = [said(difficulty=difficulty) for difficulty in ("Beginner", "Advanced", "Elite")]
    assert len(calls[0]) < len(calls[1]) < len(calls[2])
    assert len({tuple(call) for call in (*calls, said(drill_key="fe-full-sale"), said(state="TX"))}) == 5
