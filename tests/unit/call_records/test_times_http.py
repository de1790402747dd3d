"""Over HTTP, the times of each kind of call agree in every dialect, while time passes with every line of code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local import pool
from switchboard.accounts.models import KeyKind
from switchboard.aws import queues
from switchboard.calls import dialing, reports
from switchboard.carriers.voice.ports.reports import EndReason, Report, Turn
from switchboard.carriers.voice.simulator import caller
from switchboard.carriers.voice.simulator.caller_state import SimulatedCaller
from switchboard.kit import clock
from switchboard.roleplay import lifecycle, scoring
from switchboard.team.permissions import Role
from switchboard.widgets.jobs import BeginSession
from tests.actors import Tenant, member, reseller, tenant
from tests.integration.sabotage import Later, run_worker
from tests.load.request import api_event
from tests.unit.call_records.desk import ask_as
from tests.unit.calls.calls_in import make_line, monday_noon, sid_of
from tests.unit.opticomm.backend import Backend, make_flow, make_key
from tests.unit.roleplay.conftest import redeem_session
from tests.unit.widgets import desk

NOBODY, BUSY, FAILS = "+15005550006", "+15005550010", "+15005550001"


class RunningClock(clock.FrozenClock):
    """A clock that moves on whenever it is read."""

    def __call__(self) -> float:
        self.advance(milliseconds=7)
        return self.at


@pytest.fixture(autouse=True)
def running(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningClock]:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "1")
    monkeypatch.setenv("SWITCHBOARD_ROLEPLAY_STEP_SECONDS", "1")
    made = RunningClock()
    monday_noon(made)
    with clock.using(made):
        yield made


@pytest.fixture
def acme() -> Tenant:
    return tenant()


@pytest.fixture(autouse=True)
def later(running: RunningClock, monkeypatch: pytest.MonkeyPatch) -> Later:
    made = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", made)
    return made


def play(later: Later, running: RunningClock, *, standstill: int = 0, seconds: int = 40) -> None:
    """Lets time pass, with all workers. At first they stand still for some seconds."""
    running.advance(seconds=standstill)
    for _ in range(seconds):
        later.bring()
        for worker in ("workers/simulator", "workers/voice_events", "workers/roleplay"):
            run_worker(worker)
        running.advance(seconds=1)


def ask(group: str, path: str, key: str) -> Any:
    answer = pool.invoke(group, api_event("GET", path, {"authorization": f"Bearer {key}"}, None))
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


def assert_times(
    started: str, answered: str | None, ended: str, seconds: int, turns: list[tuple[float, float]]
) -> None:
    """Asserts that times agree. The times of turns are seconds after the answer."""
    assert started <= ended
    if answered is None:
        assert (seconds, turns) == (0, [])
        return
    length = clock.parse(ended) - clock.parse(answered)
    assert started <= answered <= ended
    assert seconds == clock.seconds_between(clock.parse(answered), clock.parse(ended))
    assert turns
    for begin, end in turns:
        assert 0 <= begin <= end <= length.total_seconds()


def assert_agrees(acme: Tenant, call_id: str, *, cost: bool = True) -> dict[str, Any]:
    """Asserts that Anima's and HUM's records of a call agree in themselves and with each other. Returns Anima's."""
    path = f"/v1/voice/calls/{call_id}"
    one = ask("anima/voice", path, acme.master_key)
    segments = ask("anima/voice", f"{path}/transcript", acme.master_key)["segments"]
    turns = [(said["startTime"], said["endTime"]) for said in segments]
    assert_times(one["startedAt"], one["answeredAt"], one["endedAt"], one["durationSeconds"], turns)
    status, two = ask_as(member(acme.org_id, Role.OPERATOR))("GET", f"/calls/{call_id}")
    assert status == 200
    assert (two["answered_at"], two["ended_at"]) == (one["answeredAt"], one["endedAt"])
    assert (two["duration_sec"], two["error_message"]) == (one["durationSeconds"], one["error"])
    assert [(said["started_at_ms"], said["ended_at_ms"]) for said in two["transcript"]] == [
        (round(begin * 1_000), round(end * 1_000)) for begin, end in turns
    ]
    if cost:
        assert one["costCents"] == two["cost_cents"] == -(-one["durationSeconds"] // 60) * 7
    return dict(one)


@pytest.mark.parametrize("passed", [0, 3, 60])
@pytest.mark.parametrize("number", [NOBODY, BUSY, FAILS, "+15005550012", "+15005550030", "+15005550032"])
def test_a_call_of_a_back_end(acme: Tenant, later: Later, running: RunningClock, number: str, passed: int) -> None:
    key, text = make_key(acme.org_id, KeyKind.OPTICOMM_LIVE)
    back_end = Backend(acme, key, text, make_flow(acme.org_id))
    call_id = back_end.initiate(phone_number=number, request_id="r-1").json()["call_id"]
    dialing.dial_call(acme.org_id, call_id)
    play(later, running, standstill=passed)
    found = assert_agrees(acme, call_id)
    asked = back_end.check(call_id=call_id).json()
    assert (asked["duration_seconds"], asked["completed_at"]) == (found["durationSeconds"], found["endedAt"])
    assert asked["error_message"] == found["error"]
    failed = number in (BUSY, FAILS)
    assert (found["answeredAt"] is None, found["error"] is not None) == (failed, failed)


@pytest.mark.parametrize("hang_up_after", [None, 1])
def test_a_call_of_a_simulated_caller(
    acme: Tenant, later: Later, running: RunningClock, hang_up_after: int | None
) -> None:
    line = make_line(acme)
    caller.start_call(
        SimulatedCaller(
            org_id=acme.org_id,
            call_sid=sid_of(1),
            number_id=line.number.id,
            from_number="+14155550142",
            to_number=line.number.e164,
            says=["Are you open?", "And on Sunday?", "Thank you."],
            hang_up_after=hang_up_after,
            step_seconds=2,
        )
    )
    play(later, running)
    found = assert_agrees(acme, line.read_call().id)
    assert found["error"] is None


def test_a_caller_who_is_turned_away(acme: Tenant, running: RunningClock) -> None:
    line = make_line(acme, voicemail_enabled=False, business_hours_enabled=True, business_hours={}, timezone="UTC")
    line.ask()
    running.advance(seconds=6)
    line.end_call(seconds=6)
    call = line.read_call()
    assert call.answered_at is not None
    assert call.ended_at is not None
    assert call.duration_seconds == clock.seconds_between(clock.parse(call.answered_at), clock.parse(call.ended_at))


@pytest.mark.parametrize("length", [0, 4, 500])
def test_a_call_of_a_line_with_clocks_of_its_own(acme: Tenant, running: RunningClock, length: int) -> None:
    key, text = make_key(acme.org_id, KeyKind.OPTICOMM_LIVE)
    back_end = Backend(acme, key, text, make_flow(acme.org_id))
    call_id = back_end.initiate(phone_number=NOBODY, request_id="r-1").json()["call_id"]
    dialing.dial_call(acme.org_id, call_id)
    running.advance(minutes=9)
    # The line's times have no milliseconds, and the talker's clock runs ahead.
    at = f"{clock.now_iso()[:19]}.000Z"
    turn = Turn(number=0, speaker="caller", text="Hello?", start_ms=0, end_ms=(length + 5) * 1_000)
    for kind, facts in (
        ("answered", {}),
        ("turn", {"turn": turn}),
        ("ended", {"at": at, "end_reason": EndReason.COMPLETED, "duration_seconds": length}),
        ("analyzed", {"outcome": "success"}),
    ):
        reports.apply_report(Report.model_validate({"org_id": acme.org_id, "call_id": call_id, "kind": kind, **facts}))
    assert assert_agrees(acme, call_id)["durationSeconds"] == length


@pytest.mark.parametrize("passed", [0, 60])
def test_a_talk_of_a_visitor(acme: Tenant, later: Later, running: RunningClock, passed: int) -> None:
    session = desk.start(desk.make_token(desk.make_flow(acme.org_id)), name="Ada").session
    desk.do(BeginSession(org_id=session.org_id, session_id=session.id))
    play(later, running, standstill=passed)
    found = assert_agrees(acme, session.call_id)
    assert found["answeredAt"] is not None


def test_a_practice_call(later: Later, running: RunningClock) -> None:
    company = reseller()
    call = redeem_session(company)
    lifecycle.begin_call(call.org_id, call.id)
    play(later, running, seconds=120)
    scoring.score_call(call.org_id, call.id)
    found = ask("athos/calls", f"/api/external/v1/calls/{call.id}", company.key)
    turns = [(said["startTime"], said["endTime"]) for said in found["transcript"]]
    assert_times(found["startedAt"], found["startedAt"], found["endedAt"], found["durationSec"], turns)
