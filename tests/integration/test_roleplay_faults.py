"""Roleplays under faults: after a kill between any two steps a token is spent once, every session and every call ends,
the
quota is correct, and no event repeats.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.pool import invoke
from switchboard.aws import queues
from switchboard.aws.reads import Query
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage
from switchboard.roleplay import lifecycle, sessions, store
from switchboard.roleplay.jobs import ExpireSession, WatchRoleplay
from switchboard.roleplay.models import (
    TERMINAL_STATES,
    DrillRequest,
    RoleplayCall,
    RoleplayState,
    SessionState,
    TransportReport,
)
from switchboard.roleplay.transports import simulator
from switchboard.timers import store as timer_store
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Reseller, reseller
from tests.integration.sabotage import Sabotage, Stream, drain_queue, run_tick, run_worker

MONTH = "2026-01"
DRILL = "fe-objection-handling"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Reseller:
    monkeypatch.setenv("SWITCHBOARD_ROLEPLAY_STEP_SECONDS", "0")
    timer_store.advance_watermark(clock.now_iso()[:16])
    return reseller()


@pytest.fixture
def saboteur(acme: Reseller) -> Sabotage:
    return Sabotage()


def minted(acme: Reseller, user: str = "rep_good") -> sessions.SessionWithToken:
    return sessions.mint_session(acme.caller(), user, "agency")


def redeemed(acme: Reseller, user: str = "rep_good") -> RoleplayCall:
    return sessions.redeem_session(sessions.admit_token(minted(acme, user).token), DrillRequest(drill_key=DRILL)).call


def load_call(call: RoleplayCall) -> RoleplayCall:
    found = store.CALLS.get_object(call.org_id, call.id)
    assert found is not None
    return found


def list_events(call: RoleplayCall) -> Counter[str]:
    """The events of the call's workflow, by type."""
    items = Query(table="activity", partition=events.workflow_partition(call.org_id, call.correlation_id)).read_all()
    return Counter(events.parse_event(item).type for item in items if "outbox" in item)


def count_steps(saboteur: Sabotage, work_: Callable[[], Any]) -> int:
    with saboteur.counting() as calls:
        work_()
    return len(calls)


def make_record(name: str, body: dict[str, Any]) -> None:
    queues.send_messages([QueueMessage(queue=name, body=body, group="org")])


def killed_anywhere(saboteur: Sabotage, name: str, body: dict[str, Any]) -> None:
    """Kill a worker at each step of a job, and let the queue bring the job again each time."""
    for done in range(8):
        make_record(name, body)
        with saboteur.killing(after=done):
            run_worker(f"workers/{name}")
        run_worker(f"workers/{name}")


def send_request(path: str, bearer: str, body: dict[str, Any]) -> dict[str, Any]:
    event = {
        "httpMethod": "POST",
        "path": f"/api/external/v1/{path}",
        "headers": {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"},
        "queryStringParameters": None,
        "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
        "body": json.dumps(body),
    }
    answer: dict[str, Any] = invoke("athos/sessions", event)
    return answer


def test_a_killed_mint_takes_a_place_only_with_its_session(
    acme: Reseller, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    def mint() -> None:
        send_request("session", acme.key, {"externalUserId": "rep"})

    for done in range(count_steps(saboteur, mint)):
        with saboteur.killing(after=done):
            mint()
    frozen.advance(minutes=6, seconds=1)
    assert usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER) >= 1
    run_tick()
    run_worker("workers/roleplay")
    assert usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER) == 0


def test_a_killed_redemption_leaves_a_call_or_returns_the_place(
    acme: Reseller, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    def redeem(token: str) -> dict[str, Any]:
        return send_request("roleplay/session", token, {"drillKey": DRILL})

    number = count_steps(saboteur, lambda: redeem(minted(acme).token))
    made = [minted(acme) for _ in range(number)]
    for done, one in enumerate(made):
        with saboteur.killing(after=done):
            redeem(one.token)
    again = [redeem(one.token)["statusCode"] for one in made]
    assert set(again) == {200, 401}, "an unspent token still works"
    frozen.advance(minutes=6, seconds=1)
    run_tick()
    run_worker("workers/roleplay")
    found = [store.SESSIONS.get_object(acme.org_id, one.session.id) for one in made]
    states = Counter(session.state for session in found if session)
    assert states.keys() == {SessionState.STARTED, SessionState.FAILED}
    assert states[SessionState.STARTED] >= again.count(200)
    assert usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER) == 1 + states[SessionState.STARTED]


def test_a_session_expires_once_after_a_kill_anywhere(
    acme: Reseller, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    minted(acme)
    session = minted(acme).session
    frozen.advance(minutes=6)
    killed_anywhere(saboteur, "roleplay", ExpireSession(org_id=acme.org_id, session_id=session.id).body)
    assert usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER) == 1


def test_a_call_begins_after_a_kill_anywhere(acme: Reseller, saboteur: Sabotage) -> None:
    call, stream = redeemed(acme, "rep_silent"), Stream()
    for done in range(3):
        stream.hand_on()
        with saboteur.killing(after=done):
            run_worker("workers/roleplay", at_most=1)
    run_worker("workers/roleplay")
    assert load_call(call).state is RoleplayState.ENDED


def test_reports_are_applied_once_after_a_kill_anywhere(acme: Reseller, saboteur: Sabotage) -> None:
    call = redeemed(acme, "rep_silent")
    for _, report in simulator.course(lifecycle.room_of(call), step=0):
        killed_anywhere(saboteur, "roleplay", {"org_id": call.org_id, "call_id": call.id, **report})
    ended = load_call(call)
    assert (ended.state, ended.turns, len(store.list_turns(call.org_id, call.id))) == (RoleplayState.ENDED, 1, 1)
    assert list_events(call) == Counter(
        {
            "roleplay.session.minted": 1,
            "roleplay.call.created": 1,
            "roleplay.call.live": 1,
            "roleplay.call.turn": 1,
            "roleplay.call.ended": 1,
        }
    )


def test_an_abandoned_call_ends_after_a_kill_of_its_watch(
    acme: Reseller, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    call = redeemed(acme, "rep_vanishes")
    lifecycle.apply_report(TransportReport(org_id=call.org_id, call_id=call.id, kind="live"))
    for _ in range(2):
        frozen.advance(seconds=121)
        until = load_call(call).watched_until
        assert until is not None
        killed_anywhere(saboteur, "roleplay", WatchRoleplay(org_id=call.org_id, call_id=call.id, until=until).body)
    assert list_events(call)["roleplay.call.ended"] == 1


def test_a_call_is_scored_once_after_a_kill_anywhere(acme: Reseller, saboteur: Sabotage) -> None:
    calls = [redeemed(acme), redeemed(acme, "rep_silent")]
    for call in calls:
        for _, report in simulator.course(lifecycle.room_of(call), step=0):
            lifecycle.apply_report(
                TransportReport.model_validate({"org_id": call.org_id, "call_id": call.id, **report})
            )
    drain_queue("scoring")
    Stream().hand_on()
    jobs = drain_queue("scoring")
    assert {job["call_id"] for job in jobs if job["job"] == "ScoreRoleplay"} == {call.id for call in calls}
    for job in jobs:
        killed_anywhere(saboteur, "scoring", job)
    assert [load_call(call).state for call in calls] == [RoleplayState.SCORED, RoleplayState.SCORING_FAILED]
    for call in calls:
        assert list_events(call)["roleplay.call.scoring"] == 1
        assert list_events(call)[f"roleplay.call.{load_call(call).state.value}"] == 1
    assert usage.get_monthly_usage(acme.org_id, MONTH).units[Meter.ROLEPLAY] == 1


def test_every_call_ends_even_if_all_reports_are_lost(acme: Reseller, frozen: clock.FrozenClock) -> None:
    absent, vanished = redeemed(acme, "rep_absent"), redeemed(acme, "rep_vanishes")
    lifecycle.apply_report(TransportReport(org_id=vanished.org_id, call_id=vanished.id, kind="live"))
    frozen.advance(minutes=4)
    run_tick()
    run_worker("workers/roleplay")
    assert {load_call(call).state for call in (absent, vanished)} == {RoleplayState.ENDED}
    frozen.advance(minutes=31)
    run_tick()  # and each job of the scoring is lost, too: only its timer is left
    run_worker("workers/scoring")
    assert all(load_call(call).state in TERMINAL_STATES for call in (absent, vanished))
