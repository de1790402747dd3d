"""Rule 3 for roleplays: whoever is stopped between any two of its steps, a token is spent once, every session and every
call comes to its end, the quota adds up, and nothing is told twice."""

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
from tests.integration.sabotage import Sabotage, Stream, drain, tick, work

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


def now(call: RoleplayCall) -> RoleplayCall:
    found = store.CALLS.get(call.org_id, call.id)
    assert found is not None
    return found


def told(call: RoleplayCall) -> Counter[str]:
    """The events of the call's workflow, by type."""
    items = Query(table="activity", partition=events.workflow_partition(call.org_id, call.correlation_id)).all()
    return Counter(events.parse_event(item).type for item in items if "outbox" in item)


def steps(saboteur: Sabotage, work_: Callable[[], Any]) -> int:
    with saboteur.counting() as calls:
        work_()
    return len(calls)


def enqueue(name: str, body: dict[str, Any]) -> None:
    queues.send_messages([QueueMessage(queue=name, body=body, group="org")])


def killed_anywhere(saboteur: Sabotage, name: str, body: dict[str, Any]) -> None:
    """Let a worker be killed at each step of a job, and the queue bring the job again each time."""
    for done in range(8):
        enqueue(name, body)
        with saboteur.killing(after=done):
            work(f"workers/{name}")
        work(f"workers/{name}")


# --- the API ----------------------------------------------------------------------------------------------------


def ask(path: str, bearer: str, body: dict[str, Any]) -> dict[str, Any]:
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


def test_a_minting_that_is_killed_takes_a_place_with_its_session_or_none(
    acme: Reseller, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    def mint() -> None:
        ask("session", acme.key, {"externalUserId": "rep"})

    for done in range(steps(saboteur, mint)):
        with saboteur.killing(after=done):
            mint()
    frozen.advance(minutes=6, seconds=1)
    assert usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER) >= 1
    tick()
    work("workers/roleplay")
    assert usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER) == 0


def test_a_redemption_that_is_killed_leaves_a_call_or_gives_the_place_back(
    acme: Reseller, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    def redeem(token: str) -> dict[str, Any]:
        return ask("roleplay/session", token, {"drillKey": DRILL})

    number = steps(saboteur, lambda: redeem(minted(acme).token))
    made = [minted(acme) for _ in range(number)]
    for done, one in enumerate(made):
        with saboteur.killing(after=done):
            redeem(one.token)
    again = [redeem(one.token)["statusCode"] for one in made]
    assert set(again) == {200, 401}, "where the token was not yet spent, it still is good"
    frozen.advance(minutes=6, seconds=1)
    tick()
    work("workers/roleplay")
    found = [store.SESSIONS.get(acme.org_id, one.session.id) for one in made]
    states = Counter(session.state for session in found if session)
    assert states.keys() == {SessionState.STARTED, SessionState.FAILED}
    assert states[SessionState.STARTED] >= again.count(200)
    assert usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER) == 1 + states[SessionState.STARTED]


# --- the workers ------------------------------------------------------------------------------------------------


def test_a_session_expires_once_though_the_worker_is_killed_anywhere(
    acme: Reseller, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    minted(acme)
    session = minted(acme).session
    frozen.advance(minutes=6)
    killed_anywhere(saboteur, "roleplay", ExpireSession(org_id=acme.org_id, session_id=session.id).body)
    assert usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER) == 1


def test_a_call_is_begun_though_the_worker_is_killed_anywhere(acme: Reseller, saboteur: Sabotage) -> None:
    call, stream = redeemed(acme, "rep_silent"), Stream()
    for done in range(3):
        stream.hand_on()
        with saboteur.killing(after=done):
            work("workers/roleplay", at_most=1)
    work("workers/roleplay")
    assert now(call).state is RoleplayState.ENDED


def test_reports_are_applied_once_though_the_worker_is_killed_anywhere(acme: Reseller, saboteur: Sabotage) -> None:
    call = redeemed(acme, "rep_silent")
    for _, report in simulator.course(lifecycle.room_of(call), step=0):
        killed_anywhere(saboteur, "roleplay", {"org_id": call.org_id, "call_id": call.id, **report})
    ended = now(call)
    assert (ended.state, ended.turns, len(store.list_turns(call.org_id, call.id))) == (RoleplayState.ENDED, 1, 1)
    assert told(call) == Counter(
        {
            "roleplay.session.minted": 1,
            "roleplay.call.created": 1,
            "roleplay.call.live": 1,
            "roleplay.call.turn": 1,
            "roleplay.call.ended": 1,
        }
    )


def test_a_call_whose_rep_vanished_ends_though_the_watch_is_killed_anywhere(
    acme: Reseller, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    call = redeemed(acme, "rep_vanishes")
    lifecycle.apply_report(TransportReport(org_id=call.org_id, call_id=call.id, kind="live"))
    for _ in range(2):
        frozen.advance(seconds=121)
        until = now(call).watched_until
        assert until is not None
        killed_anywhere(saboteur, "roleplay", WatchRoleplay(org_id=call.org_id, call_id=call.id, until=until).body)
    assert told(call)["roleplay.call.ended"] == 1


def test_a_call_is_scored_once_though_the_worker_is_killed_anywhere(acme: Reseller, saboteur: Sabotage) -> None:
    calls = [redeemed(acme), redeemed(acme, "rep_silent")]
    for call in calls:
        for _, report in simulator.course(lifecycle.room_of(call), step=0):
            lifecycle.apply_report(
                TransportReport.model_validate({"org_id": call.org_id, "call_id": call.id, **report})
            )
    drain("scoring")
    Stream().hand_on()
    jobs = drain("scoring")
    assert {job["call_id"] for job in jobs if job["job"] == "ScoreRoleplay"} == {call.id for call in calls}
    for job in jobs:
        killed_anywhere(saboteur, "scoring", job)
    assert [now(call).state for call in calls] == [RoleplayState.SCORED, RoleplayState.SCORING_FAILED]
    for call in calls:
        assert told(call)["roleplay.call.scoring"] == 1
        assert told(call)[f"roleplay.call.{now(call).state.value}"] == 1
    assert usage.get_monthly_usage(acme.org_id, MONTH).units[Meter.ROLEPLAY] == 1


def test_every_call_ends_though_every_report_is_lost(acme: Reseller, frozen: clock.FrozenClock) -> None:
    absent, vanished = redeemed(acme, "rep_absent"), redeemed(acme, "rep_vanishes")
    lifecycle.apply_report(TransportReport(org_id=vanished.org_id, call_id=vanished.id, kind="live"))
    frozen.advance(minutes=4)
    tick()
    work("workers/roleplay")
    assert {now(call).state for call in (absent, vanished)} == {RoleplayState.ENDED}
    frozen.advance(minutes=31)
    tick()  # and every job of the scoring, too: its timer alone is left
    work("workers/scoring")
    assert all(now(call).state in TERMINAL_STATES for call in (absent, vanished))
