"""Calls out over Twilio, end to end: placed, answered, talked, transferred, and ended, with each callback over HTTP."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from switchboard.calls import dialing, outbound_scripts, store, talks, timeouts
from switchboard.calls.models import Call, CallerMessageState, State
from switchboard.calls.timeouts import leg_of
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.line import Transfer
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.compliance import ledgers
from switchboard.kit import clock
from switchboard.usage import service as usage
from tests.fakes.twilio import MAIN, TOKEN, twilio_error
from tests.integration.sabotage import Sabotage
from tests.unit.calls.calls_in import apply_reports, names_of
from tests.unit.calls.calls_out import OWN, STATUSES, CallsOut, calls_out, run_dialer_jobs
from tests.unit.calls.live_calls import list_actions, place_call

SALES, POOL = "+14155550143", "+14155552672"
RECORDING = f"RE{'1' * 32}"


@pytest.fixture
def out(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[CallsOut]:
    with calls_out(monkeypatch, transfer_map={"sales": SALES}, voicemail_leave_message="Call us, {{name}}.") as made:
        yield made


def minutes_of(call: Call) -> int:
    return usage.get_monthly_usage(call.org_id, clock.now_iso()[:7]).units.get("voice_basic", 0)


def test_a_call_is_placed_answered_talked_and_ended(out: CallsOut) -> None:
    call = out.place(variables={"name": "Ann"})
    phone = out.phone_of(call)
    assert (call.state, call.provider, call.provider_call_id) == (State.RINGING, "twilio", phone.call["sid"])
    assert (phone.call["from"], phone.call["given"]["MachineDetection"]) == (OWN, "DetectMessageEnd")
    assert out.tell(call, "answered").state is State.ACTIVE
    say, start, connect = phone.ask()
    assert say["text"] == "This is an artificial voice calling for Acme. This call is recorded."
    assert start["nouns"][0]["recordingStatusCallback"].endswith(f"/{call.id}/recording#rc=3&rp=all")
    # The talk was opened before anybody was called, and its greeting has the disclosures.
    assert connect["nouns"][0]["url"] == out.read(call).connect
    assert "artificial" in out.read(call).greeting
    assert phone.ask() == [say, start, connect], "asked again"
    assert names_of(phone.ask(connect["action"])) == ["Hangup"]
    ended = out.tell(call, "completed")
    assert (ended.duration_seconds, ended.end_reason, ended.provisional) == (61, EndReason.COMPLETED, False)
    assert minutes_of(call) == 2


def test_the_person_is_transferred_by_a_label(out: CallsOut) -> None:
    call = out.place()
    phone = out.phone_of(call)
    *_, connect = phone.ask()
    *_, dial = phone.ask(connect["action"], HandoffData=json.dumps({"transfer": "sales"}))
    assert (dial["nouns"][0]["text"], dial["callerId"]) == (SALES, OWN)
    assert names_of(phone.ask(dial["action"], DialCallStatus="completed")) == ["Hangup"]
    assert out.read(call).transferred_to == SALES


def test_a_failed_transfer_takes_a_message_of_the_person(out: CallsOut) -> None:
    call = out.place()
    phone = out.phone_of(call)
    *_, connect = phone.ask()
    *_, dial = phone.ask(connect["action"], HandoffData=json.dumps({"transfer": "sales"}))
    *_, said, asked, record, bye, _ = phone.ask(dial["action"], DialCallStatus="busy")
    assert (record["verb"], bye["text"]) == ("Record", "Thank you. Goodbye.")
    assert asked["text"].startswith("Please leave a message"), "the text for machines is not said to people"
    assert said["text"] == "Nobody can take your call at the moment."
    assert out.read(call).voicemail is CallerMessageState.OFFERED


def test_our_own_transfer_goes_to_its_number_once(out: CallsOut) -> None:
    call = out.place()
    phone = out.phone_of(call)
    phone.ask()
    phone.call["status"] = "in-progress"
    voice.get_carrier().line.control_call(leg_of(call), Transfer(SALES))
    *_, dial = phone.ask(phone.call["url"])
    assert dial["nouns"][0]["text"] == SALES
    assert phone.ask(phone.call["url"])[-1] == dial
    costly = phone.call["url"].replace(SALES[1:], "881612345678")
    assert names_of(phone.ask(costly)) == ["Hangup"]
    assert names_of(phone.ask(dial["action"], DialCallStatus="completed")) == ["Hangup"]
    assert out.read(call).transferred_to == SALES


def test_a_message_is_left_at_a_machine_when_its_own_is_over(out: CallsOut) -> None:
    call = out.place(variables={"name": "Ann"})
    phone = out.phone_of(call)
    out.tell(call, "answered")
    phone.ask()
    phone.call["status"] = "in-progress"
    phone.tell("AsyncAmdStatusCallback", AnsweredBy="machine_end_beep")
    apply_reports()
    run_dialer_jobs()
    assert phone.call["url"].endswith(f"/{call.id}/message")
    say, hang_up = phone.ask(phone.call["url"])
    assert "Call us, Ann." in say["text"]
    assert "artificial" in say["text"], "a message has the disclosures of a call"
    assert hang_up["verb"] == "Hangup"
    sent = len(out.twilio.requests)
    outbound_scripts.leave_message(call.org_id, call.id)
    assert len(out.twilio.requests) == sent, "a repeated job begins no second message"
    ended = out.tell(call, "completed")
    assert (ended.end_reason, ended.answered_by) == (EndReason.VOICEMAIL, "machine_end_beep")
    assert ended.message_left_at is not None
    assert list_actions(out.backend.company, call.correlation_id).count("voice.call.message_left") == 1


@pytest.mark.parametrize("word", ["human", "unknown", "machine_start", "fax", "", "<b>"])
def test_nobody_else_gets_the_message_for_machines(out: CallsOut, word: str) -> None:
    call = out.place()
    out.tell(call, "answered")
    out.phone_of(call).call["status"] = "in-progress"
    out.phone_of(call).tell("AsyncAmdStatusCallback", AnsweredBy=word)
    apply_reports()
    run_dialer_jobs()
    assert out.phone_of(call).call.get("url") is None
    assert (out.phone_of(call).call["status"] == "completed") is (word == "fax")
    assert out.read(call).answered_by == (word if word in ("human", "machine_start", "fax") else None)


def test_a_machine_that_hung_up_gets_no_message(out: CallsOut) -> None:
    call = out.place()
    out.tell(call, "answered")
    phone = out.phone_of(call)
    phone.tell("AsyncAmdStatusCallback", AnsweredBy="machine_end_silence")
    apply_reports()
    phone.call["status"] = "completed"
    run_dialer_jobs()
    out.tell(call, "completed")
    assert names_of(phone.ask(f"{phone.call['given']['Url']}/message")) == ["Hangup"]
    assert out.read(call).message_left_at is None


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_a_call_that_nobody_answers_ends_with_its_reason(out: CallsOut, status: str) -> None:
    call = out.place()
    out.phone_of(call).tell(CallStatus=status, SipResponseCode="486", CallDuration="0")
    apply_reports()
    ended = out.read(call)
    assert (ended.state.value, ended.sip_code, ended.duration_seconds) == (status.replace("-", "_"), 486, 0)
    assert minutes_of(call) == 0


def outcome_of(call: Call) -> dict[str, object]:
    kept = {"state", "end_reason", "answered_by", "duration_seconds", "cost_micros", "recordings", "provisional"}
    return call.model_dump(include=kept)


def send_report(out: CallsOut, call: Call, name: str) -> None:
    phone = out.phone_of(call)
    if name == "machine":
        phone.tell("AsyncAmdStatusCallback", AnsweredBy="machine_end_other")
    elif name == "recording":
        form = {"RecordingSid": RECORDING, "RecordingDuration": "60", "RecordingStatus": "completed"}
        assert phone.send(f"{phone.call['given']['Url']}/recording", **form).status == 200
    else:
        phone.tell(**STATUSES[name])
    apply_reports()


def test_reports_in_any_order_and_twice_come_to_the_same_end(out: CallsOut, frozen: clock.FrozenClock) -> None:
    names, ends = ("ringing", "answered", "completed", "machine", "recording"), []
    for order in itertools.permutations(names):
        frozen.advance(minutes=1)
        call = out.place()
        for name in order:
            send_report(out, call, name)
        for name in order[:2]:
            send_report(out, call, name)
        # The analysis of the talk is awaited after the end.
        timeouts.close_call(call.org_id, call.id, State.ENDING.value)
        ends.append(outcome_of(out.read(call)))
    assert ends[0]["end_reason"] is EndReason.VOICEMAIL
    assert ends[0]["duration_seconds"] == 61
    assert all(end == ends[0] for end in ends)


def test_a_dialer_killed_anywhere_calls_once(out: CallsOut, frozen: clock.FrozenClock) -> None:
    saboteur = Sabotage()
    with saboteur.counting() as steps:
        out.place()
    for done in range(len(steps)):
        call = out.accept(request_id=f"r-{done}")
        before = len(out.twilio.placed)
        with saboteur.killing(after=done):
            dialing.dial_call(call.org_id, call.id)
        dialing.dial_call(call.org_id, call.id)
        placed = len(out.twilio.placed) - before
        assert placed <= 1
        if placed:
            # The line asks for its script before anything was recorded, and reports the end.
            assert names_of(out.phone_of(call).ask())[-1] == "Connect"
            out.tell(call, "answered")
            found = out.tell(call, "completed")
            assert (found.duration_seconds, found.provider_call_id) == (61, out.phone_of(call).call["sid"])
        elif out.read(call).state is State.DIALING:
            frozen.advance(minutes=10)
            dialing.confirm_dial(call.org_id, call.id, out.read(call).claim)
            # Without a call between these numbers, or with calls that are proved to be others, nobody was called.
            assert out.read(call).state in (State.FAILED, State.UNCONFIRMED)
        frozen.advance(seconds=30)


def test_a_call_with_a_lost_answer_is_found_by_asking(out: CallsOut, frozen: clock.FrozenClock) -> None:
    out.twilio.fault = lambda request: (0, None) if request.endswith("/Calls.json") and "POST" in request else None
    out.twilio.after = True
    call = out.place()
    assert (call.state, len(out.twilio.placed)) == (State.DIALING, 1)
    dialing.dial_call(call.org_id, call.id)
    assert len(out.twilio.placed) == 1
    phone = out.phone_of(call)
    out.twilio.events[phone.call["sid"]] = [{"url": f"{phone.call['given']['StatusCallback']}", "method": "POST"}]
    phone.call["status"] = "in-progress"
    frozen.advance(minutes=10)
    dialing.confirm_dial(call.org_id, call.id, call.claim)
    found = out.read(call)
    assert (found.state, found.provider_call_id) == (State.ACTIVE, phone.call["sid"])


def test_a_throttled_call_is_tried_again(out: CallsOut) -> None:
    out.twilio.fault = lambda _: (429, twilio_error(20429, status=429))
    call = out.place()
    assert call.state is State.CREATED
    out.twilio.fault = lambda _: None
    dialing.dial_call(call.org_id, call.id)
    assert out.read(call).state is State.RINGING


def test_a_number_that_twilio_does_not_call_fails_at_once(out: CallsOut) -> None:
    out.twilio.fault = lambda _: (400, twilio_error(21215))
    call = out.place()
    assert (call.state, call.error) == (State.FAILED, "Twilio's error 21215")


def test_an_answer_after_the_end_is_hung_up(out: CallsOut) -> None:
    call = out.place()
    out.tell(call, "completed")
    assert names_of(out.phone_of(call).ask()) == ["Hangup"]


def test_a_hang_up_reaches_the_line(out: CallsOut) -> None:
    call = out.place()
    out.phone_of(call).call["status"] = "in-progress"
    timeouts.hang_up_call(call.org_id, call.id)
    assert out.phone_of(call).call["status"] == "completed"


def test_a_form_is_worth_nothing_for_another_call_or_by_another_account(out: CallsOut) -> None:
    call, other = out.place(), out.place()
    phone, url = out.phone_of(call), out.phone_of(call).call["given"]["Url"]
    assert phone.send(url, token="forged").status == 403
    assert phone.send(url, AccountSid=f"AC{'8' * 32}").status == 403
    assert phone.send(url.replace(call.org_id, "org_00000000000000000000000000")).status == 403
    # The line's id of another call of the same account gets no talk, nor does a call that was not dialed.
    for wrong in (other, out.accept()):
        assert names_of(phone.ask(url.replace(call.id, wrong.id))) == ["Hangup"]
    # The main account acts for its subaccounts.
    assert phone.send(url, token=TOKEN).status == 200


@pytest.mark.parametrize("step", ["after-talk/x", "transfer/", "transfer/x", "transfer/0123", "other", "status/x/y"])
def test_an_address_that_we_never_gave_is_refused(out: CallsOut, step: str) -> None:
    phone = out.phone_of(out.place())
    assert phone.send(f"{phone.call['given']['Url']}/{step}").status in (403, 404)


def test_the_person_hears_an_apology_if_we_fail(out: CallsOut, monkeypatch: pytest.MonkeyPatch) -> None:
    call = out.place()

    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(outbound_scripts, "begin_script", broken)
    say, hang_up = out.phone_of(call).ask()
    assert (say["text"], hang_up["verb"]) == (
        "We are sorry. We called you, but cannot talk at the moment. Goodbye.",
        "Hangup",
    )


def test_a_talk_that_does_not_open_is_no_recorded_call(out: CallsOut, monkeypatch: pytest.MonkeyPatch) -> None:
    call = out.place()
    monkeypatch.setattr(talks, "open_talk", lambda *_: None)
    say, hang_up = out.phone_of(call).ask()
    assert say["text"].startswith("This is an artificial voice calling for Acme. We are sorry. We called you")
    assert hang_up["verb"] == "Hangup"


def test_a_talk_that_fails_ends_with_an_apology(out: CallsOut) -> None:
    call = out.place()
    phone = out.phone_of(call)
    *_, connect = phone.ask()
    say, hang_up = phone.ask(connect["action"], SessionStatus="failed")
    assert say["text"].startswith("This is an artificial voice calling for Acme. We are sorry. We called you")
    assert hang_up["verb"] == "Hangup"


def test_without_a_talker_no_call_is_accepted(
    cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with calls_out(monkeypatch, "none") as out:
        answer = out.backend.initiate()
        assert answer.status_code == 500
        assert "No voice AI is configured" in answer.text
        assert out.twilio.requests == []


def test_the_announcer_says_the_greeting_and_takes_the_key_against_further_calls(
    cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with calls_out(monkeypatch, "announcer", announce_recording=False) as out:
        call = out.place(variables={"name": "Ann & <Bob>"})
        phone = out.phone_of(call)
        out.tell(call, "answered")
        keys, onward = phone.ask()
        (say,) = keys["nouns"]
        assert (keys["verb"], keys["numDigits"], say["voice"]) == ("Gather", "1", "Polly.Joanna")
        assert say["text"].endswith("Hello Ann & <Bob>.")
        assert (onward["verb"], onward["text"]) == ("Redirect", keys["action"])
        assert names_of(phone.ask(onward["text"])) == ["Hangup"]
        assert names_of(phone.ask(keys["action"], Digits="9")) == ["Hangup"]
        apply_reports()
        assert out.read(call).opted_out_at is not None
        assert ledgers.list_opt_outs(call.org_id, 10)[0][0].e164 == call.to_number


def test_the_talk_is_not_opened_again_when_its_record_comes_late(out: CallsOut) -> None:
    call = out.accept()
    saved: list[Call] = []
    change, asked = store.CALLS.change_object, []

    def asked_first(*given: object) -> object:
        if not asked and out.twilio.placed:
            # The person answers before the dialer has recorded the call.
            asked.append(True)
            out.phone_of(call).ask()
            saved.append(out.read(call))
        return change(*given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store.CALLS), "change_object", lambda _, *given: asked_first(*given))
        dialing.dial_call(call.org_id, call.id)
    found = out.read(call)
    assert found.connect == saved[0].connect
    assert found.provider_conversation_id == saved[0].provider_conversation_id
    assert found.provider_call_id == out.phone_of(call).call["sid"]


def test_a_call_without_a_flow_talks_and_ends(out: CallsOut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CALLER_POOL", POOL)
    call = place_call(out.backend.company)
    dialing.dial_call(call.org_id, call.id)
    phone = out.phone_of(call)
    assert phone.call["account_sid"] == MAIN, "a number of the platform"
    (connect,) = phone.ask()
    assert (connect["verb"], phone.call["given"]["MachineDetection"]) == ("Connect", "Enable")
    assert names_of(phone.ask(connect["action"], HandoffData=json.dumps({"transfer": "sales"}))) == ["Hangup"]
