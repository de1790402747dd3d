"""A call from creation to end, for any reports of its transport, or none."""

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
from tests.integration.sabotage import Later, Stream, run_tick, run_worker, scan_items
from tests.unit.roleplay.conftest import list_reports, load_call, practise_call, redeem_session

TURN = PracticeTurn(number=0, speaker=PracticeSpeaker.REP, text="Hello.", start_ms=0, end_ms=300)


PassTime = Callable[..., None]


@pytest.fixture
def pass_time(frozen: clock.FrozenClock, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> PassTime:
    """Advance the time, and run due work."""
    timer_store.advance_watermark(clock.now_iso()[:16])
    later = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", later)
    stream = Stream()

    def run(**by: float) -> None:
        stream.hand_on()
        frozen.advance(**by)
        run_tick()
        stream.hand_on()
        later.bring()
        run_worker("workers/roleplay")

    return run


def apply_report(call: RoleplayCall, kind: str, **facts: Any) -> None:
    lifecycle.apply_report(TransportReport(org_id=call.org_id, call_id=call.id, kind=kind, **facts))


def list_actions(acme: Reseller, call: RoleplayCall) -> list[str]:
    entries, _ = audit.list_workflow_events(acme.tenant.caller(master=True), call.correlation_id, 500, None)
    return [entry.document["action"] for entry in entries]


def test_every_move_goes_forward_and_every_call_can_end() -> None:
    order = list(RoleplayState)
    assert CALL_MOVES.keys() == set(RoleplayState)
    assert all(order.index(after) > order.index(before) for before, moves in CALL_MOVES.items() for after in moves)
    assert {state for state, moves in CALL_MOVES.items() if not moves} == TERMINAL_STATES


def test_a_call_goes_live_talks_and_ends(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme, drill_key="fe-objection-handling")
    for progress in list_reports(call):
        lifecycle.apply_report(progress)
        frozen.advance(seconds=1)
    ended = load_call(call)
    turns = store.list_turns(call.org_id, call.id)
    assert (ended.state, ended.end_reason, ended.turns) == (
        RoleplayState.ENDED,
        RoleplayEndReason.COMPLETED,
        len(turns),
    )
    assert ended.duration_seconds == 1 + len(turns)
    assert [turn.number for turn in turns] == list(range(len(turns)))
    told = list_actions(acme, call)
    assert told[-1] == "roleplay.call.ended"
    assert told.count("roleplay.call.turn") == len(turns)


def test_reports_that_come_twice_change_nothing(acme: Reseller) -> None:
    call = redeem_session(acme, drill_key="fe-objection-handling")
    for progress in list_reports(call):
        lifecycle.apply_report(progress)
        before = load_call(call)
        lifecycle.apply_report(progress)
        assert load_call(call) == before


def test_reports_in_another_order_have_the_same_result(acme: Reseller) -> None:
    call = redeem_session(acme, drill_key="fe-objection-handling")
    course = list(list_reports(call))
    for progress in (*course[3:], *course[:3]):
        lifecycle.apply_report(progress)
    assert load_call(call).state is RoleplayState.ENDED
    assert len(store.list_turns(call.org_id, call.id)) == len(course) - 2


def test_no_turn_is_added_to_a_call_that_is_being_scored(acme: Reseller) -> None:
    call = redeem_session(acme)
    for state in (RoleplayState.SCORING, RoleplayState.SCORED, RoleplayState.SCORING_FAILED):
        later = load_call(call)
        store.CALLS.change_object(call.org_id, call.id, lambda one, state=state: (next_version(one, state=state), []))
        apply_report(call, "turn", turn=TURN)
        assert load_call(call).version == later.version + 1
    assert store.list_turns(call.org_id, call.id) == []


def test_no_late_report_moves_a_call_back(acme: Reseller) -> None:
    call = redeem_session(acme)
    for state in (RoleplayState.ENDED, RoleplayState.SCORING, RoleplayState.SCORED, RoleplayState.SCORING_FAILED):
        store.CALLS.change_object(call.org_id, call.id, lambda one, state=state: (next_version(one, state=state), []))
        for kind in ("live", "ended"):
            apply_report(call, kind)
            assert load_call(call).state is state


def test_a_report_of_an_unknown_call_is_ignored(acme: Reseller) -> None:
    call = redeem_session(acme).model_copy(update={"id": "athos_call_" + "x" * 21})
    apply_report(call, "live")
    assert store.CALLS.get_object(call.org_id, call.id) is None


def test_a_call_that_nobody_joins_is_ended(acme: Reseller, pass_time: PassTime) -> None:
    call = redeem_session(acme, "rep_absent")
    pass_time(minutes=2, seconds=59)
    assert load_call(call).state is RoleplayState.CREATED
    pass_time(seconds=2)
    assert (load_call(call).state, load_call(call).end_reason, load_call(call).duration_seconds) == (
        RoleplayState.ENDED,
        RoleplayEndReason.NEVER_LIVE,
        0,
    )


def test_an_abandoned_call_is_ended_after_long_silence(acme: Reseller, pass_time: PassTime) -> None:
    call = redeem_session(acme, "rep_vanishes")
    apply_report(call, "live")
    pass_time(seconds=100)
    apply_report(call, "turn", turn=TURN)
    pass_time(seconds=100)
    assert load_call(call).state is RoleplayState.LIVE, "a report came in between"
    pass_time(seconds=21)
    assert (load_call(call).state, load_call(call).end_reason) == (RoleplayState.ENDED, RoleplayEndReason.VANISHED)


def test_a_watch_that_fires_twice_continues_once(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme)
    apply_report(call, "live")
    until = load_call(call).watched_until
    assert until
    frozen.advance(seconds=100)
    apply_report(call, "turn", turn=TURN)
    heard_at = clock.now()
    frozen.advance(seconds=20)
    lifecycle.watch_call(call.org_id, call.id, until)
    renewed = load_call(call)
    lifecycle.watch_call(call.org_id, call.id, until)
    assert load_call(call) == renewed
    assert renewed.watched_until == clock.format_iso(heard_at + lifecycle.silence_limit())


def test_no_call_is_longer_than_an_hour(acme: Reseller, pass_time: PassTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_ROLEPLAY_SILENCE_SECONDS", "7200")
    call = redeem_session(acme)
    apply_report(call, "live")
    pass_time(minutes=59, seconds=59)
    assert load_call(call).state is RoleplayState.LIVE
    pass_time(seconds=2)
    assert (load_call(call).state, load_call(call).end_reason) == (RoleplayState.ENDED, RoleplayEndReason.TOO_LONG)


def test_a_timer_that_comes_too_late_ends_nothing(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme)
    apply_report(call, "live")
    lifecycle.close_call(call.org_id, call.id, RoleplayState.CREATED)
    assert load_call(call).state is RoleplayState.LIVE


@pytest.mark.parametrize("silence", ["120", "7200"])
def test_an_ended_call_has_no_timer(
    acme: Reseller, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, silence: str
) -> None:
    monkeypatch.setenv("SWITCHBOARD_ROLEPLAY_SILENCE_SECONDS", silence)
    absent, silent, told, long, late = (redeem_session(acme) for _ in range(5))
    for call in (silent, told, long):
        apply_report(call, "live")
    apply_report(told, "turn", turn=TURN)
    assert load_call(long).watch
    lifecycle.close_call(absent.org_id, absent.id, RoleplayState.CREATED.value)
    frozen.advance(seconds=float(silence) / 2)
    apply_report(silent, "turn", turn=TURN)
    for seconds in (float(silence) / 2, float(silence)):
        frozen.advance(seconds=seconds)
        lifecycle.watch_call(silent.org_id, silent.id, load_call(silent).watched_until or "")
    apply_report(told, "ended")
    lifecycle.close_call(long.org_id, long.id, RoleplayState.LIVE.value)
    apply_report(late, "ended")
    calls = (absent, silent, told, long, late)
    assert {load_call(call).state for call in calls} == {RoleplayState.ENDED}
    assert len(list_timers()) == len(calls), "each has half an hour to be scored"
    frozen.advance(seconds=15)
    for call in calls[1:]:
        scoring.score_call(call.org_id, call.id)
    scoring.give_up_scoring(absent.org_id, absent.id)
    assert all(load_call(call).state in TERMINAL_STATES for call in calls)
    assert list_timers() == []


def test_a_scored_call_has_no_timer_left(acme: Reseller) -> None:
    call = practise_call(acme)
    assert [f"{item['pk']['S']}|{item['sk']['S']}" for item in list_timers()] == [load_call(call).watch]
    scoring.score_call(call.org_id, call.id)
    assert (load_call(call).state, load_call(call).watch, list_timers()) == (RoleplayState.SCORED, None, [])


def test_a_turn_does_not_change_the_call(acme: Reseller) -> None:
    call = redeem_session(acme)
    apply_report(call, "live")
    before = load_call(call)
    apply_report(call, "turn", turn=TURN)
    assert load_call(call) == before


def list_timers() -> list[dict[str, Any]]:
    return [item for item in scan_items("activity") if item["pk"]["S"].startswith("timer#")]


def test_a_call_begins_by_its_event_only(acme: Reseller) -> None:
    call = redeem_session(acme)
    lifecycle.begin_call(call.org_id, call.id)
    run_worker("workers/roleplay")
    assert load_call(call).state is RoleplayState.LIVE
    course = simulator.course(lifecycle.room_of(call), step=2)
    assert [steps for steps, _ in course] == list(range(len(course)))


@pytest.mark.parametrize(
    ("user", "kinds"),
    [("rep_absent", []), ("rep_silent", ["live", "turn", "ended"]), ("rep_vanishes", ["live", *["turn"] * 6])],
)
def test_magic_reps_behave_as_their_names_say(acme: Reseller, user: str, kinds: list[str]) -> None:
    assert [progress.kind for progress in list_reports(redeem_session(acme, user))] == kinds


def test_a_turn_ends_before_the_next_begins(acme: Reseller) -> None:
    turns = [progress.turn for progress in list_reports(redeem_session(acme)) if progress.turn]
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(turns))
    assert all(turn.start_ms < turn.end_ms for turn in turns)


def test_personas_and_drills_change_the_call(acme: Reseller) -> None:
    def said(**wish: Any) -> list[str]:
        return [
            progress.turn.text
            for progress in list_reports(redeem_session(acme, "rep_excellent", **wish))
            if progress.turn
        ]

    calls = [said(difficulty=difficulty) for difficulty in ("Beginner", "Advanced", "Elite")]
    assert len(calls[0]) < len(calls[1]) < len(calls[2])
    assert len({tuple(call) for call in (*calls, said(drill_key="fe-full-sale"), said(state="TX"))}) == 5
