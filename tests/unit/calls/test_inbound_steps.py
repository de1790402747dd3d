"""The steps of a call in after its first script: transfers, other flows, messages, and late or repeated callbacks."""

from __future__ import annotations

import itertools
import json

import pytest

from switchboard.calls import recordings, scripts, talks
from switchboard.calls.models import Call, CallerMessageState, State
from switchboard.carriers.voice.ports.incoming import TalkEnd
from switchboard.carriers.voice.ports.reports import Report
from switchboard.carriers.voice.ports.script import Record
from switchboard.carriers.voice.twilio import callbacks
from switchboard.compliance import ledgers
from switchboard.flows import changes
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.calls.calls_in import Line, make_flow, make_line, make_number, names_of
from tests.unit.calls.live_calls import after_report, list_actions, read_conversation

SALES = "+14155550143"
_TRANSFER, _MESSAGE = json.dumps({"transfer": "sales"}), json.dumps({"voicemail": True})
RECORDING = {"RecordingSid": f"RE{'1' * 32}", "RecordingDuration": "7"}
DONE = {**RECORDING, "RecordingStatus": "completed", "RecordingSource": "RecordVerb"}


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def line(acme: Tenant) -> Line:
    """A line on which a talk goes on."""
    found = make_line(acme, transfer_map={"sales": SALES, "blocked": "+14155550144"})
    ledgers.block_number(acme.caller(master=True), "+14155550144")
    found.ask()
    return found


def test_a_talk_without_a_wish_ends_the_call(line: Line) -> None:
    assert names_of(line.ask("after-talk/0")) == ["Hangup"]


def test_a_caller_is_transferred_by_a_label(line: Line) -> None:
    *_, dial = line.ask("after-talk/0", HandoffData=_TRANSFER)
    assert (dial["verb"], dial["nouns"][0]["text"], dial["callerId"]) == ("Dial", SALES, line.number.e164)
    assert line.send("after-talk/0", HandoffData=_TRANSFER).body == line.send("after-talk/0").body, "asked again"
    assert names_of(line.ask("after-dial", DialCallStatus="completed")) == ["Hangup"]
    assert line.read_call().transferred_to == SALES


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_a_failed_transfer_falls_to_voicemail(line: Line, status: str) -> None:
    line.ask("after-talk/0", HandoffData=_TRANSFER)
    assert names_of(line.ask("after-dial", DialCallStatus=status)) == ["Stop", "Say", "Say", "Record", "Say", "Hangup"]
    assert line.read_call().transferred_to is None
    assert line.read_call().voicemail is CallerMessageState.OFFERED


@pytest.mark.parametrize("label", ["nobody", "blocked"])
def test_a_label_that_leads_nowhere_falls_to_voicemail(line: Line, label: str) -> None:
    assert "Record" in names_of(line.ask("after-talk/0", HandoffData=json.dumps({"transfer": label})))


def test_without_voicemail_a_failed_transfer_ends_with_an_apology(acme: Tenant) -> None:
    line = make_line(acme, transfer_map={"sales": SALES}, voicemail_enabled=False)
    line.ask()
    line.ask("after-talk/0", HandoffData=_TRANSFER)
    assert names_of(line.ask("after-dial", DialCallStatus="busy")) == ["Say", "Hangup"]


def test_a_talker_that_breaks_off_falls_to_voicemail(line: Line) -> None:
    assert "Record" in names_of(line.ask("after-talk/0", SessionStatus="failed"))


@pytest.mark.parametrize(
    "handoff", ["", "[]", "{", "null", '{"transfer": 1}', "[" * 4_000, "x" * 5_000, '{"voicemail": 1}']
)
def test_a_wish_that_cannot_be_read_is_no_wish(line: Line, handoff: str) -> None:
    assert names_of(line.ask("after-talk/0", HandoffData=handoff)) == ["Hangup"]


def test_another_flow_continues_the_conversation(acme: Tenant) -> None:
    spanish = make_flow(acme, name="Billing", greeting="Billing, hello.", voice="switchboard:inés")
    line = make_line(acme, flow_transfer_map={"billing": spanish.id})
    line.ask()
    first = line.read_call()
    (connect,) = line.ask("after-talk/0", HandoffData='{"transfer": "billing"}')
    assert connect["action"].endswith("/after-talk/1")
    call = line.read_call()
    assert (call.flow_id, call.flow_version, call.talk) == (spanish.id, 1, 1)
    assert read_conversation(call).greeting == "Billing, hello."
    assert call.connect != first.connect
    again = line.send("after-talk/0", HandoffData='{"transfer": "billing"}').body
    assert connect["nouns"][0]["url"] in again
    assert line.read_call().version == call.version
    assert names_of(line.ask("after-talk/1")) == ["Hangup"]
    assert list_actions_of(acme, call).count("voice.call.flow_switched") == 1


def list_actions_of(acme: Tenant, call: Call) -> list[str]:
    return list_actions(acme, call.correlation_id)


def test_flows_that_hand_a_caller_to_each_other_end_at_voicemail(acme: Tenant) -> None:
    one = make_flow(acme, name="One")
    two = make_flow(acme, name="Two", flow_transfer_map={"other": one.id})
    changes.update_flow(acme.caller(master=True), one.id, {"flow_transfer_map_json": json.dumps({"other": two.id})})
    line = Line(make_number(acme, one))
    line.ask()
    for talk in range(talks.MAX_FLOW_SWITCHES):
        assert names_of(line.ask(f"after-talk/{talk}", HandoffData='{"transfer": "other"}')) == ["Connect"]
    assert "Record" in names_of(line.ask(f"after-talk/{talk + 1}", HandoffData='{"transfer": "other"}'))


def test_a_caller_leaves_a_message(line: Line, acme: Tenant) -> None:
    assert "Record" in names_of(line.ask("after-talk/0", HandoffData=_MESSAGE))
    thanks, _ = line.ask("after-record", **RECORDING)
    assert thanks["text"].startswith("Thank you. Your message is recorded.")
    assert line.read_call().voicemail is CallerMessageState.LEFT
    line.tell("recording", **DONE)
    text = {"RecordingSid": RECORDING["RecordingSid"], "TranscriptionStatus": "completed", "TranscriptionText": "Hi."}
    line.tell("transcription", **text)
    call = line.read_call()
    (recording,) = call.recordings
    assert (recording.voicemail, recording.duration_seconds, call.voicemail) == (True, 7, CallerMessageState.RECORDED)
    assert call.transcripts == {recording.id: "Hi."}


def test_only_the_simulator_is_asked_for_the_text_of_a_message(line: Line) -> None:
    line.ask("after-talk/0", HandoffData=_MESSAGE)
    call = line.read_call()

    def records(provider: str) -> list[bool]:
        script = scripts.continue_after_talk(call.model_copy(update={"provider": provider}), 0, TalkEnd())
        return [step.transcribe for step in script if isinstance(step, Record)]

    assert (records("simulator"), records("twilio")) == ([True], [False])


@pytest.mark.parametrize(("voice", "language"), [("switchboard:inés", "es-US"), ("switchboard:ada", "en-US")])
def test_the_language_of_a_message_is_that_in_which_it_was_asked_for(acme: Tenant, voice: str, language: str) -> None:
    line = make_line(acme, voice=voice)
    line.ask()
    line.ask("after-talk/0", HandoffData=_MESSAGE)
    assert line.read_call().message_language == language


def test_the_texts_of_many_recordings_fit_into_the_call(line: Line) -> None:
    line.ask()
    long = {"TranscriptionStatus": "completed", "TranscriptionText": "x" * 12_000}
    for at in range(22):
        line.tell("transcription", RecordingSid=f"RE{at:032}", **long)
    assert sum(map(len, line.read_call().transcripts.values())) == 40_000


def test_a_message_ended_by_hanging_up_counts(line: Line) -> None:
    line.ask("after-talk/0", HandoffData=_MESSAGE)
    assert names_of(line.ask("after-record", CallStatus="completed", Digits="hangup", **RECORDING))[-1] == "Hangup"
    assert line.read_call().voicemail is CallerMessageState.LEFT


def test_a_caller_who_says_nothing_left_no_message(line: Line) -> None:
    line.ask("after-talk/0", HandoffData=_MESSAGE)
    absent = {"RecordingSid": RECORDING["RecordingSid"], "RecordingStatus": "absent", "RecordingSource": "RecordVerb"}
    line.tell("recording", **absent)
    assert line.read_call().voicemail is CallerMessageState.NONE


@pytest.mark.parametrize(("spoke", "state"), [(True, CallerMessageState.LOST), (False, CallerMessageState.NONE)])
def test_a_recording_that_never_comes_is_closed(
    line: Line, acme: Tenant, spoke: bool, state: CallerMessageState
) -> None:
    line.ask("after-talk/0", HandoffData=_MESSAGE)
    if spoke:
        line.ask("after-record", **RECORDING)
    call = line.read_call()
    for _ in range(2):
        recordings.close_voicemail(call.org_id, call.id)
    assert line.read_call().voicemail is state
    assert list_actions_of(acme, call).count("voice.call.recording_lost") == spoke
    line.tell("recording", **DONE)
    assert line.read_call().voicemail is CallerMessageState.RECORDED, "it came after all"


def test_a_caller_who_hung_up_is_offered_nothing(line: Line) -> None:
    assert names_of(line.ask("after-talk/0", CallStatus="completed", SessionStatus="failed")) == ["Hangup"]
    assert line.read_call().voicemail is None


@pytest.mark.parametrize("step", ["after-talk/0", "after-talk/7", "after-dial", "after-record"])
def test_a_step_after_the_end_hangs_up(line: Line, step: str) -> None:
    line.end_call()
    version = line.read_call().version
    assert names_of(line.ask(step, HandoffData=_TRANSFER)) == ["Hangup"]
    assert line.read_call().version == version


@pytest.mark.parametrize("step", ["after-talk/0", "after-dial", "after-record"])
def test_a_step_of_an_unknown_call_hangs_up(line: Line, step: str) -> None:
    assert names_of(line.ask(step, call=9)) == ["Hangup"]
    assert line.find_call(9) is None


def test_reports_of_an_unknown_call_change_nothing(line: Line) -> None:
    line.tell("recording", call=9, **DONE)
    line.tell("status", call=9, CallStatus="in-progress")
    assert line.find_call(9) is None


_REPORTS: list[tuple[str, dict[str, str]]] = [
    ("status", {"CallStatus": "ringing", "SequenceNumber": "0"}),
    ("status", {"CallStatus": "in-progress", "SequenceNumber": "1"}),
    ("recording", DONE),
    ("transcription", {**RECORDING, "TranscriptionStatus": "completed", "TranscriptionText": "Hi."}),
    ("status", {"CallStatus": "completed", "CallDuration": "61", "SequenceNumber": "2"}),
    ("analyzed", {}),
]


def test_every_order_of_six_reports_leads_to_the_same_call(line: Line, acme: Tenant) -> None:
    line.ask("after-talk/0", HandoffData=_MESSAGE)
    begun = line.read_call()
    usual = {"CallSid": begun.provider_call_id or "", "AccountSid": f"AC{'1' * 32}"}
    ends = set()
    for order in itertools.permutations(_REPORTS):
        call = begun
        for step, form in [*order, order[0], order[2]]:
            for report in _read(step, usual | form, call):
                facts = report.model_dump(exclude={"org_id", "call_id", "kind"}, exclude_none=True)
                call = after_report(call, report.kind, **facts)
        facts = (call.state, call.duration_seconds, call.cost_micros, call.outcome, call.voicemail, call.end_reason)
        facts = (call.state, call.duration_seconds, call.cost_micros, call.outcome, call.voicemail, call.end_reason)
        ends.add((*facts, tuple(one.id for one in call.recordings), *call.transcripts.items(), call.answered_at))
    ((state, seconds, cost, outcome, voicemail, *_),) = ends
    assert (state, seconds, cost, outcome) == (State.COMPLETED, 61, 140_000, "success")
    assert voicemail is CallerMessageState.RECORDED


def _read(step: str, form: dict[str, str], call: Call) -> list[Report]:
    if step == "analyzed":
        return [Report(org_id=call.org_id, call_id=call.id, kind="analyzed", outcome="success", summary="Done.")]
    read = {"status": callbacks.read_status, "recording": callbacks.read_recording}
    return read.get(step, callbacks.read_transcription)(form, call.org_id, call.id)
