"""Twilio's line: the SDK against a local server that speaks Twilio's API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.voice.ports.line import (
    BeginMessage,
    Hold,
    Leg,
    Pace,
    Placement,
    SendDigits,
    SetRecording,
    Transfer,
)
from switchboard.carriers.voice.twilio import rest
from switchboard.carriers.voice.twilio.line import TwilioLine
from switchboard.kit import clock
from tests.fakes.twilio import MAIN, SUBACCOUNT, FakeCalls, give_subaccount, serve_twilio, twilio_error

ORG, CALL, OWN, THEIRS, POOL = "org_acme", "call_1", "+14155552671", "+14155550142", "+14155552672"
BASE = f"http://localhost:8080/twilio/voice/calls/{ORG}/{CALL}"
RETRIED = "#rc=3&rp=all"
NOON = "2026-01-19T12:00:00.000Z"


@pytest.fixture
def fake(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCalls]:
    frozen.at = clock.parse(NOON).timestamp()
    monkeypatch.setenv("SWITCHBOARD_CALLER_POOL", f"{POOL},+14155552673")
    give_subaccount(ORG)
    made = FakeCalls()
    with serve_twilio(made.answer, monkeypatch):
        yield made


def placement(**given: Any) -> Placement:
    return Placement(**({"org_id": ORG, "call_id": CALL, "from_number": OWN, "to_number": THEIRS} | given))


def leg_of(sid: str | None = None) -> Leg:
    return Leg(ORG, CALL, sid, own_number=OWN, other_number=THEIRS, placed_at=NOON)


def answers(status: int, body: Any, begins: str = "") -> Callable[[str], tuple[int, Any] | None]:
    return lambda request: (status, body) if request.startswith(begins) else None


def test_a_call_is_placed_with_its_limits_and_its_callbacks(fake: FakeCalls) -> None:
    sid = TwilioLine().place_call(placement(ring_seconds=20, most_seconds=600))
    assert fake.requests == [
        (
            "POST",
            f"/2010-04-01/Accounts/{SUBACCOUNT}/Calls.json",
            {
                "To": THEIRS, "From": OWN, "Url": BASE, "Method": "POST", "StatusCallback": f"{BASE}/status{RETRIED}",
                "StatusCallbackMethod": "POST", "StatusCallbackEvent": "initiated ringing answered completed",
                "Timeout": "20", "TimeLimit": "600", "MachineDetection": "Enable", "AsyncAmd": "true",
                "AsyncAmdStatusCallback": f"{BASE}/machine{RETRIED}", "AsyncAmdStatusCallbackMethod": "POST",
            },
        )
    ]  # fmt: skip
    assert sid in fake.calls


@pytest.mark.parametrize(("machine", "detection"), [("off", None), ("wait_for_beep", "DetectMessageEnd")])
def test_the_detection_of_machines_is_as_ordered(fake: FakeCalls, machine: Any, detection: str | None) -> None:
    TwilioLine().place_call(placement(machine=machine))
    (given,) = fake.placed
    assert (given.get("MachineDetection"), "AsyncAmd" in given) == (detection, detection is not None)


def test_a_recording_is_whole_and_reported(fake: FakeCalls) -> None:
    TwilioLine().place_call(placement(record=True))
    (given,) = fake.placed
    assert given["Record"] == "true"
    assert (given["RecordingChannels"], given["Trim"]) == ("dual", "do-not-trim")
    assert given["RecordingStatusCallback"] == f"{BASE}/recording{RETRIED}"
    assert given["RecordingStatusCallbackEvent"] == "completed absent"


@pytest.mark.parametrize(("ring", "sent"), [(1, "5"), (60, "60"), (9_999, "600")])
def test_the_time_to_ring_is_one_that_twilio_takes(fake: FakeCalls, ring: int, sent: str) -> None:
    TwilioLine().place_call(placement(ring_seconds=ring))
    assert fake.placed[0]["Timeout"] == sent


def test_a_number_of_the_pool_belongs_to_the_main_account(fake: FakeCalls) -> None:
    TwilioLine().place_call(placement(from_number=POOL, org_id="org_without_an_account"))
    assert fake.requests[0][1] == f"/2010-04-01/Accounts/{MAIN}/Calls.json"


def test_the_pace_is_counted_by_the_account(fake: FakeCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    line = TwilioLine()
    assert line.pace_of(ORG, OWN) == line.pace_of(ORG, "+14155552679") == Pace(1, f"twilio#{ORG}")
    assert line.pace_of(ORG, POOL) == line.pace_of("org_other", POOL) == Pace(1, "twilio")
    monkeypatch.setenv("SWITCHBOARD_TWILIO_CALLS_PER_SECOND", "5")
    assert line.pace_of(ORG, OWN).rate == 5
    assert fake.requests == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"org_id": "org_other"}, "no account at Twilio"),
        ({"not_after": NOON}, "the time to ring is over"),
    ],
)
def test_a_call_that_cannot_go_out_is_refused_without_a_request(
    fake: FakeCalls, given: dict[str, str], why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        TwilioLine().place_call(placement(**given))
    assert fake.requests == []


def test_a_deployment_without_a_public_url_places_nothing(fake: FakeCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_PUBLIC_URL")
    with pytest.raises(RefusedError, match="no public URL"):
        TwilioLine().place_call(placement())
    assert fake.requests == []


@pytest.mark.parametrize(
    ("status", "code", "raised", "text"),
    [
        (400, 21211, RefusedError, "Twilio's error 21211"),
        (400, 21214, RefusedError, "Twilio's error 21214"),
        (400, 21215, RefusedError, "Twilio's error 21215"),
        (400, 13224, RefusedError, "Twilio's error 13224"),
        (401, 20003, ThrottledError, "20003"),
        (403, 20403, ThrottledError, "20403"),
        (429, 20429, ThrottledError, "20429"),
        (500, 20500, OutcomeUnknownError, "20500"),
        (503, None, OutcomeUnknownError, "503"),
    ],
)
def test_each_refusal_has_its_meaning(
    fake: FakeCalls, status: int, code: int | None, raised: type[Exception], text: str
) -> None:
    fake.fault = answers(status, twilio_error(code, status=status))
    with pytest.raises(raised) as refused:
        TwilioLine().place_call(placement())
    assert str(refused.value) == text
    assert len(fake.placed) == 1, "a request is never sent twice"


@pytest.mark.parametrize("broken", [(0, None), (201, "no call"), (201, {}), (201, {"sid": "other"})])
def test_a_call_without_a_readable_answer_is_unknown(fake: FakeCalls, broken: tuple[int, Any]) -> None:
    fake.fault, fake.after = answers(*broken), True
    with pytest.raises(OutcomeUnknownError):
        TwilioLine().place_call(placement())
    assert len(fake.placed) == len(fake.calls) == 1


def test_a_slow_answer_has_a_deadline(fake: FakeCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "SECONDS", 0.3)
    import threading

    waiting = threading.Event()
    fake.fault = lambda _: waiting.wait(5) and None
    try:
        with pytest.raises(OutcomeUnknownError):
            TwilioLine().place_call(placement())
    finally:
        waiting.set()


@pytest.mark.parametrize(
    ("status", "over", "answered", "reason"),
    [
        ("queued", False, False, None),
        ("ringing", False, False, None),
        ("in-progress", False, True, None),
        ("completed", True, True, "completed"),
        ("busy", True, False, "busy"),
        ("no-answer", True, False, "no_answer"),
        ("failed", True, False, "failed"),
        ("canceled", True, False, "canceled"),
    ],
)
def test_a_call_is_described_as_it_is(
    fake: FakeCalls, status: str, over: bool, answered: bool, reason: str | None
) -> None:
    sid = TwilioLine().place_call(placement())
    ended = {"duration": "61", "end_time": "Mon, 19 Jan 2026 12:05:00 +0000"} if over else {}
    fake.calls[sid] |= {"status": status, "answered_by": "machine_start", **ended}
    found = TwilioLine().fetch_call(leg_of(sid))
    assert found is not None
    assert (found.over, found.answered, found.end_reason) == (over, answered, reason)
    assert (found.provider_call_id, found.answered_by) == (sid, "machine_start")
    assert (found.duration_seconds, found.ended_at) == ((61, "2026-01-19T12:05:00.000Z") if over else (None, None))


def test_an_unknown_id_is_no_call(fake: FakeCalls) -> None:
    assert TwilioLine().fetch_call(leg_of(f"CA{'f' * 32}")) is None
    assert TwilioLine().fetch_call(Leg("org_other", CALL, own_number=OWN)) is None


@pytest.mark.parametrize("fault", [(429, 20429), (500, 20500), (400, 20001), (401, 20003)])
def test_a_question_without_an_answer_is_unknown(fake: FakeCalls, fault: tuple[int, int]) -> None:
    sid = TwilioLine().place_call(placement())
    fake.fault = answers(fault[0], twilio_error(fault[1], status=fault[0]))
    for leg in (leg_of(sid), leg_of()):
        with pytest.raises(OutcomeUnknownError):
            TwilioLine().fetch_call(leg)
        with pytest.raises(OutcomeUnknownError):
            TwilioLine().end_call(leg)


def event_of(fake: FakeCalls, call_id: str) -> dict[str, Any]:
    url = BASE.replace(CALL, call_id)
    return {"method": "POST", "url": f"{url}/status", "parameters": {"call_status": "ringing"}}


def test_a_call_is_found_by_our_id_among_calls_between_the_same_numbers(fake: FakeCalls) -> None:
    other, mine = (TwilioLine().place_call(placement(call_id=call_id)) for call_id in ("call_2", CALL))
    fake.events = {sid: [event_of(fake, call_id)] for sid, call_id in ((other, "call_2"), (mine, CALL))}
    found = TwilioLine().fetch_call(leg_of())
    assert found is not None
    assert found.provider_call_id == mine


def test_a_call_that_was_never_placed_is_none(fake: FakeCalls, frozen: clock.FrozenClock) -> None:
    assert TwilioLine().fetch_call(leg_of()) is None
    other = TwilioLine().place_call(placement(call_id="call_2"))
    fake.events = {other: [event_of(fake, "call_2")]}
    frozen.at -= 3_600
    TwilioLine().place_call(placement(call_id="call_of_an_hour_ago"))
    assert TwilioLine().fetch_call(leg_of()) is None


def test_a_similar_call_whose_requests_are_not_shown_yet_may_be_ours(fake: FakeCalls) -> None:
    sid = TwilioLine().place_call(placement())
    with pytest.raises(OutcomeUnknownError, match="not known yet"):
        TwilioLine().fetch_call(leg_of())
    fake.events = {sid: [event_of(fake, CALL)]}
    assert TwilioLine().fetch_call(leg_of()) is not None


def test_many_calls_of_long_ago_do_not_hide_that_a_call_was_never_placed(
    fake: FakeCalls, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "_MOST_LISTED", 3)
    frozen.at -= 86_400
    for number in range(4):
        TwilioLine().place_call(placement(call_id=f"call_of_yesterday_{number}"))
    frozen.at += 86_400
    assert TwilioLine().fetch_call(leg_of()) is None
    for number in range(3):
        TwilioLine().place_call(placement(call_id=f"call_of_today_{number}"))
    with pytest.raises(OutcomeUnknownError, match="too many"):
        TwilioLine().fetch_call(leg_of())


def test_too_many_similar_calls_are_not_searched(fake: FakeCalls) -> None:
    for number in range(11):
        TwilioLine().place_call(placement(call_id=f"call_{number + 5}"))
    with pytest.raises(OutcomeUnknownError, match="too many"):
        TwilioLine().fetch_call(leg_of())


@pytest.mark.parametrize(
    ("before", "after"),
    [("queued", "canceled"), ("ringing", "canceled"), ("in-progress", "completed"), ("busy", "busy")],
)
def test_a_call_is_ended_in_any_state(fake: FakeCalls, before: str, after: str) -> None:
    sid = TwilioLine().place_call(placement())
    fake.calls[sid]["status"] = before
    for _ in range(2):
        TwilioLine().end_call(leg_of(sid))
        assert fake.calls[sid]["status"] == after


def test_a_call_that_is_answered_while_it_is_canceled_is_hung_up(fake: FakeCalls) -> None:
    sid = TwilioLine().place_call(placement())
    fake.calls[sid]["status"] = "ringing"

    def answered_meanwhile(request: str) -> None:
        if request.startswith("POST") and fake.calls[sid]["status"] == "ringing":
            fake.calls[sid]["status"] = "in-progress"

    fake.fault = answered_meanwhile
    TwilioLine().end_call(leg_of(sid))
    assert fake.calls[sid]["status"] == "completed"


def in_progress(fake: FakeCalls) -> str:
    sid = TwilioLine().place_call(placement())
    fake.calls[sid]["status"] = "in-progress"
    return sid


def test_a_transfer_happens_once(fake: FakeCalls) -> None:
    sid = in_progress(fake)
    TwilioLine().control_call(leg_of(sid), Transfer("+14155550143"))
    assert fake.calls[sid]["url"] == f"{BASE}/transfer/14155550143"
    fake.add_call(SUBACCOUNT, {"To": "+14155550143", "From": OWN, "ParentCallSid": sid})
    fake.calls[sid]["url"] = None
    TwilioLine().control_call(leg_of(sid), Transfer("+14155550143"))
    assert fake.calls[sid]["url"] is None


def test_a_message_is_begun_by_its_script(fake: FakeCalls) -> None:
    sid = in_progress(fake)
    TwilioLine().control_call(leg_of(sid), BeginMessage())
    assert fake.calls[sid]["url"] == f"{BASE}/message"


def test_a_recording_starts_and_stops_once(fake: FakeCalls) -> None:
    sid = in_progress(fake)
    for on in (False, True, True, False, False):
        TwilioLine().control_call(leg_of(sid), SetRecording(on=on))
    (recording,) = fake.recordings[sid]
    assert recording["status"] == "stopped"
    assert recording["given"]["RecordingStatusCallback"] == f"{BASE}/recording{RETRIED}"


@pytest.mark.parametrize("command", [Transfer("+14155550143"), BeginMessage(), SetRecording(on=True)])
@pytest.mark.parametrize("status", ["ringing", "completed"])
def test_a_call_that_is_not_in_progress_takes_no_command(fake: FakeCalls, command: Any, status: str) -> None:
    sid = in_progress(fake)
    fake.calls[sid]["status"] = status
    with pytest.raises(RefusedError, match="not in progress"):
        TwilioLine().control_call(leg_of(sid), command)


def test_a_call_that_ends_before_its_command_is_refused(fake: FakeCalls) -> None:
    sid = in_progress(fake)
    fake.fault = answers(400, twilio_error(21220), "POST")
    with pytest.raises(RefusedError, match="the call is over"):
        TwilioLine().control_call(leg_of(sid), BeginMessage())
    fake.fault = answers(500, twilio_error(20500, status=500), "POST")
    with pytest.raises(OutcomeUnknownError):
        TwilioLine().control_call(leg_of(sid), BeginMessage())


@pytest.mark.parametrize("command", [Hold(), SendDigits("1")])
def test_a_command_that_the_line_does_not_have_is_refused(fake: FakeCalls, command: Any) -> None:
    with pytest.raises(RefusedError, match="no such command"):
        TwilioLine().control_call(leg_of(in_progress(fake)), command)
