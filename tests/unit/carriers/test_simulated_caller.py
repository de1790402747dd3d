"""Simulated callers: each does what our script says, and reports what a real line reports."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.aws import objects
from switchboard.calls import inbound, store, timeouts
from switchboard.calls.models import Call, CallerMessageState, State
from switchboard.carriers.voice.simulator import caller, caller_state, speech_audio
from switchboard.carriers.voice.simulator.caller_state import SimulatedCaller
from switchboard.compliance import ledgers
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Stream, play_calls, run_tick, run_worker
from tests.unit.calls.calls_in import CLOSED, Line, make_flow, make_line, make_number, monday_noon, sid_of
from tests.unit.calls.live_calls import list_opt_outs

pytestmark = pytest.mark.usefixtures("cloud")
UNRULY, BUSY = "+15005550032", "+15005550010"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")
    return tenant()


def call_in(line: Line, *says: str, **given: Any) -> Call:
    """Lets a simulated person call, and everything that follows from it. Returns the call."""
    person = SimulatedCaller(
        org_id=line.number.org_id,
        call_sid=sid_of(1),
        number_id=line.number.id,
        from_number=given.pop("caller", "+14155550142"),
        to_number=line.number.e164,
        says=list(says),
        **given,
    )
    caller.start_call(person)
    play_calls()
    found = store.CALLS.get_object(line.number.org_id, inbound.call_id_of(line.number.org_id, sid_of(1)))
    assert found is not None
    return found


def said(call: Call) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in store.list_turns(call.org_id, call.id)]


def store_recordings(line: Line) -> Call:
    Stream().hand_on()
    run_tick()
    run_worker("workers/recordings")
    return line.read_call()


def test_a_caller_talks_and_the_call_completes(acme: Tenant) -> None:
    line = make_line(acme, greeting="Front desk.")
    call = call_in(line, "Are you open?", "Thanks.")
    assert (call.state, call.outcome, call.summary) == (
        State.COMPLETED,
        "success",
        "The caller said: Are you open? Thanks.",
    )
    assert said(call) == [
        ("agent", "Front desk."),
        ("caller", "Are you open?"),
        ("agent", "I see. Please go on."),
        ("caller", "Thanks."),
        ("agent", "Thank you. I have noted that."),
        ("agent", "Thank you for calling. Goodbye."),
    ]
    (recording,) = store_recordings(line).recordings
    assert recording.key
    assert objects.read_object("recordings", recording.key, 10**7, 10).content[:4] == b"RIFF"


def test_a_caller_leaves_a_message(acme: Tenant) -> None:
    line = make_line(acme, announce_recording=False)
    call = call_in(line, "It is Ann.", "Please call me back.", leaves_message=True)
    assert (call.state, call.voicemail) == (State.COMPLETED, CallerMessageState.RECORDED)
    assert list(call.transcripts.values()) == ["It is Ann. Please call me back."]
    (message,) = store_recordings(line).recordings
    assert (message.voicemail, bool(message.key)) == (True, True)


def test_the_recording_of_a_call_has_no_message(acme: Tenant) -> None:
    line = make_line(acme, announce_recording=True)
    call_in(line, "It is Ann.", "Please call me back.", leaves_message=True)
    talk, message = sorted(store_recordings(line).recordings, key=lambda one: one.voicemail)
    assert (talk.voicemail, message.voicemail) == (False, True)
    heard = [objects.read_object("recordings", one.key or "", 10**7, 10).content for one in (talk, message)]
    assert heard[1] == speech_audio.speak("It is Ann. Please call me back.")
    assert heard[0] == speech_audio.speak(""), "the lines of the message are not in it"


def test_after_hours_a_caller_leaves_a_message_at_once(acme: Tenant, frozen: clock.FrozenClock) -> None:
    monday_noon(frozen)
    line = make_line(acme, business_hours_enabled=True, business_hours=CLOSED, timezone="UTC")
    call = call_in(line, "Call me back.")
    assert (call.after_hours, call.voicemail, said(call)) == (True, CallerMessageState.RECORDED, [])


def test_a_caller_with_nothing_to_say_leaves_no_message(acme: Tenant) -> None:
    call = call_in(make_line(acme, announce_recording=False), leaves_message=True)
    assert (call.voicemail, call.recordings) == (CallerMessageState.NONE, [])


def test_a_caller_is_transferred(acme: Tenant) -> None:
    call = call_in(make_line(acme, transfer_map={"sales": "+14155550143"}), "Please transfer me to sales.")
    assert (call.state, call.transferred_to) == (State.COMPLETED, "+14155550143")


def test_a_caller_hangs_up_in_the_talk_with_the_other_number(acme: Tenant) -> None:
    line = make_line(acme, transfer_map={"sales": "+14155550143"})
    call = call_in(line, "Please transfer me to sales.", hang_up_after=1)
    assert (call.state, call.transferred_to, call.transfer_seconds) == (State.COMPLETED, "+14155550143", 30)


def test_a_recording_that_ends_before_the_call_is_reported(acme: Tenant) -> None:
    other = make_flow(acme, name="Billing", announce_recording=True)
    quiet = make_flow(acme, name="Quiet", announce_recording=False, flow_transfer_map={"billing": other.id})
    line = Line(make_number(acme, make_flow(acme, name="Desk", flow_transfer_map={"quiet": quiet.id})))
    call = call_in(line, "Please transfer me to quiet.", "Now transfer me to billing.", "Thank you.")
    assert (call.talk, len(call.recordings)) == (2, 2)


def test_a_transfer_to_a_busy_number_falls_to_voicemail(acme: Tenant) -> None:
    line = make_line(acme, transfer_map={"sales": BUSY}, announce_recording=False)
    call = call_in(line, "Connect me to sales, please.", "Call me back.")
    assert (call.transferred_to, call.voicemail) == (None, CallerMessageState.RECORDED)


def test_another_flow_talks_on(acme: Tenant) -> None:
    billing = make_flow(acme, name="Billing", greeting="Billing here.")
    line = make_line(acme, flow_transfer_map={"billing": billing.id})
    call = call_in(line, "I want to speak to billing.", "My bill is wrong.")
    assert call.flow_id == billing.id
    assert ("agent", "Billing here.") in said(call)
    assert ("caller", "My bill is wrong.") in said(call)


@pytest.mark.parametrize(("lines", "heard"), [(0, []), (1, ["One."]), (9, ["One.", "Two."])])
def test_a_caller_hangs_up_after_some_lines(acme: Tenant, lines: int, heard: list[str]) -> None:
    call = call_in(make_line(acme), "One.", "Two.", hang_up_after=lines)
    # Without a talk nobody analyzes it. Then a timer completes the call.
    assert call.state is (State.COMPLETED if lines else State.ENDING)
    timeouts.close_call(call.org_id, call.id, State.ENDING.value)
    assert store.CALLS.get_object(call.org_id, call.id).state is State.COMPLETED  # type: ignore[union-attr]
    assert [text for speaker, text in said(call) if speaker == "caller"] == heard


def test_a_blocked_caller_hears_nothing(acme: Tenant) -> None:
    line = make_line(acme)
    ledgers.block_number(acme.caller(master=True), "+14155550142")
    call = call_in(line, "Hello?")
    assert (call.state, said(call)) == (State.CANCELED, [])


def test_a_caller_who_wants_no_more_calls_is_hung_up_on(acme: Tenant) -> None:
    line = make_line(acme)
    call = call_in(line, "Please don't call me again.")
    assert call.opted_out_at
    assert list_opt_outs(acme) == [("+14155550142", "spoken")]


def test_our_side_can_hang_up(acme: Tenant) -> None:
    line = make_line(acme)
    person = SimulatedCaller(
        org_id=acme.org_id, call_sid=sid_of(1), number_id=line.number.id, from_number="+14155550142",
        to_number=line.number.e164, says=["One."] * 50,
    )  # fmt: skip
    caller.start_call(person)
    run_worker("workers/simulator", at_most=5)
    timeouts.hang_up_call(acme.org_id, line.read_call().id)
    play_calls()
    assert line.read_call().state is State.COMPLETED
    assert len(said(line.read_call())) < 20


def test_reports_that_come_twice_and_late_change_nothing(acme: Tenant) -> None:
    line = make_line(acme)
    usual = call_in(line, "Hello.", leaves_message=False)
    other = Line(make_number(acme, make_flow(acme, name="Other"), place=1))
    unruly = call_in(other, "Hello.", caller=UNRULY)
    assert (usual.state, usual.duration_seconds, usual.cost_micros, len(usual.recordings)) == (
        unruly.state,
        unruly.duration_seconds,
        unruly.cost_micros,
        len(unruly.recordings),
    )


def test_a_deployment_without_a_domain_serves_callers_too(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_PUBLIC_URL")
    monkeypatch.setenv("SWITCHBOARD_VOICE_CARRIER", "none")
    call = call_in(make_line(acme), "Hello.")
    assert (call.state, call.simulated, call.cost_micros) == (State.COMPLETED, True, 0)


def test_the_line_knows_its_callers(acme: Tenant) -> None:
    call = call_in(make_line(acme), "Hello.")
    found = caller.fetch_caller(acme.org_id, call.provider_call_id)
    assert found is not None
    assert (found.over, found.answered, found.provider_call_id) == (True, True, sid_of(1))
    assert caller.fetch_caller(acme.org_id, "CA_other") is None
    assert caller_state.get_caller(tenant("other").org_id, sid_of(1)) is None
