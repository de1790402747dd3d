"""Applies a provider's reports to calls. Reports arrive late, twice and in any order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard import telemetry
from switchboard.calls import changes, ending, machines, speech, store
from switchboard.calls.changes import CallChange
from switchboard.calls.ending import ANSWERED_STATES, CallEnd
from switchboard.calls.jobs import CloseCallRoom
from switchboard.calls.lengths import TALK_LIMIT
from switchboard.calls.models import AGENT_SPEAKER, OVER_STATES, Call, CallerMessageState, CallRecording, State
from switchboard.carriers.voice.ports.reports import Recording, Report
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.timers import service as timers

#: The maximum number of recordings of a call. More are an error of the provider.
_MAX_RECORDINGS = 20
#: The longest text of a recording that is kept. Providers transcribe two minutes at most.
_MAX_TRANSCRIPT_CHARACTERS = 10_000
#: The texts of all recordings together. They are a part of the call's item, which has at most 400 KB.
_MAX_TRANSCRIPTS_CHARACTERS = 40_000
#: How long to wait for a provider's report about a ringing call. Then the call is closed.
RING_REPORT_LIMIT = timedelta(minutes=3)


def apply_report(report: Report) -> None:
    """Applies a provider's report to its call."""
    if report.kind in speech.SPEECH_KINDS:
        before = speech.record_speech(report)
        if before and before.answered_at is None and report.turn and report.turn.speaker != AGENT_SPEAKER:
            _prove_answer(report)
        return
    if not store.CALLS.change_object(report.org_id, report.call_id, lambda found: decide_report(found, report)):
        telemetry.log_skip(
            "the report changes nothing", org_id=report.org_id, call_id=report.call_id, report=report.kind
        )
    if report.kind == "ended":
        # Runs also after a retry: an earlier run may have stopped between the change and this line.
        speech.opt_out_by_cut_off_turns(report.org_id, report.call_id)
        _prove_answer(report)


def _prove_answer(report: Report) -> None:
    """Supposes the answer of a call that is over if the other party has talked: the report of the answer may be lost.

    Turn and end are each written before the read of the other. So at least one of two workers sees both.
    """
    call = store.CALLS.get_object(report.org_id, report.call_id)
    if call is None or call.answered_at is not None or call.ended_at is None or not ending.may_be_corrected(call):
        return
    heard = [turn for turn in store.list_turns(call.org_id, call.id) if turn.speaker != AGENT_SPEAKER]
    if not heard:
        return
    talked = timedelta(milliseconds=max(turn.end_ms for turn in heard))
    at = clock.format_iso(clock.parse(call.ended_at) - talked)
    answer = Report(org_id=call.org_id, call_id=call.id, kind="answered", at=at)
    store.CALLS.change_object(call.org_id, call.id, lambda found: decide_report(found, answer))


def decide_report(call: Call, report: Report) -> CallChange:
    """Returns the change that a report makes to a call, or `None` if it changes nothing."""
    known: dict[str, Any] = {}
    if report.provider_call_id and not call.provider_call_id:
        known["provider_call_id"] = report.provider_call_id
    if report.provider_conversation_id and report.provider_conversation_id != call.provider_conversation_id:
        # The talker's report replaces an id that the dialer may have assumed.
        known["provider_conversation_id"] = report.provider_conversation_id
    match report.kind:
        case "ringing" if call.can_become(State.RINGING):
            return changes.transition(call, State.RINGING, "voice.call.ringing", RING_REPORT_LIMIT, known)
        case "answered" if call.widget and call.state in OVER_STATES:
            return _came_back(call, report, known)
        case "answered" if not call.answered_at or call.answer_supposed:
            return _answered(call, report, known)
        case "answered" if report.answered_by and not call.answered_by:
            # The end implied the answer before, but not who answered.
            after = next_version(call, answered_by=report.answered_by, **known)
            return after, machines.machine_writes(after)
        case "machine" if report.answered_by and report.answered_by != call.answered_by:
            return _found_out(call, report.answered_by, known)
        case "hold" | "resumed":
            return _held(call, report, known)
        case "transferred" if report.to and report.to != call.transferred_to:
            return _transferred(call, report, report.to, known)
        case "recorded" if report.recording and len(call.recordings) < _MAX_RECORDINGS:
            return _recorded(call, report.recording, known)
        case "not_recorded" if call.voicemail is CallerMessageState.OFFERED:
            return next_version(call, voicemail=CallerMessageState.NONE, **known), None
        case "transcribed" if report.recording_id and report.text:
            return _transcribed(call, report.recording_id, report.text, known)
        case "analyzed":
            return ending.apply_analysis(call, report.outcome or "unknown", report.summary)
        case "ended" if call.state not in OVER_STATES:
            if report.outcome:
                known["outcome"] = report.outcome
            return ending.end_call(call.model_copy(update=known), CallEnd.of(report))
        case "ended" if (call.provisional or call.length_supposed) and ending.may_be_corrected(call):
            return ending.correct_end(call, report)
    return None


def _answered(call: Call, report: Report, known: dict[str, Any]) -> CallChange:
    if call.state not in OVER_STATES and (call.state in ANSWERED_STATES or call.can_become(State.ACTIVE)):
        by = call.answered_by or report.answered_by
        known |= {"answered_at": clock.format_iso(changes.event_time(call, report.at)), "answered_by": by}
        # A state reported before the answer, such as a hold, came later in the call and stays.
        state = call.state if call.state in ANSWERED_STATES else State.ACTIVE
        change = changes.transition(call, state, "voice.call.answered", TALK_LIMIT, known)
        # If the machine was reported before the answer, its job was started then.
        return change if call.answered_by else change and (change[0], [change[1], machines.machine_writes(change[0])])
    if call.state in OVER_STATES and ending.may_be_corrected(call):
        return ending.apply_late_answer(call, report)
    return None


def _came_back(call: Call, report: Report, known: dict[str, Any]) -> CallChange:
    """Returns the change for a visitor who is in the room of a call that is over: closes the room.

    A visitor's ticket stays good for a while, and joining with it makes the room again.
    """
    assert call.ended_at is not None
    closing = timers.job_write(CloseCallRoom(org_id=call.org_id, call_id=call.id))
    joined_before = changes.event_time(call, report.at) < clock.parse(call.ended_at)
    late = _answered(call, report, known) if joined_before and not call.answered_at else None
    after, told = late or (next_version(call, **known), None)
    return after, [told, closing]


def _found_out(call: Call, answered_by: str, known: dict[str, Any]) -> CallChange:
    """Returns the change for a report of who answered. It arrives after the answer, sometimes after the end."""
    after = next_version(call, answered_by=answered_by, **known)
    if call.state in OVER_STATES and call.end_reason is not None:
        after = after.model_copy(update={"end_reason": ending.true_reason(after, call.end_reason)})
    told = changes.event_writes(after, "voice.call.machine", answered_by=answered_by)
    return after, [told, machines.machine_writes(after)]


def _transferred(call: Call, report: Report, to_number: str, known: dict[str, Any]) -> CallChange:
    order = _order(report)
    if order is not None:
        if call.transfer_order is not None and order <= call.transfer_order:
            return None
        known["transfer_order"] = order
    return ending.record_transfer(call, to_number, report.duration_seconds, known)


def _recorded(call: Call, recording: Recording, known: dict[str, Any]) -> CallChange:
    if any(kept.id == recording.id for kept in call.recordings):
        return None
    if recording.voicemail:
        known["voicemail"] = CallerMessageState.RECORDED
    kept = CallRecording.model_validate(recording.model_dump())
    after = next_version(call, recordings=[*call.recordings, kept], **known)
    return after, changes.event_writes(after, "voice.call.recorded", **recording_event_data(kept))


def recording_event_data(recording: CallRecording) -> dict[str, Any]:
    """Returns the event data about a recording."""
    return {
        "recording": recording.id,
        "voicemail": recording.voicemail,
        "duration_seconds": recording.duration_seconds,
    }


def _transcribed(call: Call, recording_id: str, text: str, known: dict[str, Any]) -> CallChange:
    if recording_id in call.transcripts or len(call.transcripts) >= _MAX_RECORDINGS:
        return None
    if any(one.id == recording_id and one.deleted for one in call.recordings):
        return None
    room = _MAX_TRANSCRIPTS_CHARACTERS - sum(map(len, call.transcripts.values()))
    if room <= 0:
        return None
    kept = {**call.transcripts, recording_id: text[: min(room, _MAX_TRANSCRIPT_CHARACTERS)]}
    after = next_version(call, transcripts=kept, **known)
    return after, changes.event_writes(
        after, "voice.call.message_transcribed", recording=recording_id, characters=len(kept[recording_id])
    )


def _held(call: Call, report: Report, known: dict[str, Any]) -> CallChange:
    """Returns the change for a hold or a resume. The provider's order counts, not the order of arrival."""
    order = _order(report)
    if order is not None:
        if call.held_order is not None and order <= call.held_order:
            return None
        known["held_order"] = order
    if report.kind == "hold" and call.can_become(State.HOLD):
        # A hold may be reported before the answer. The time limit of the talk is then not yet set.
        limit = None if call.answered_at else TALK_LIMIT
        return changes.transition(call, State.HOLD, "voice.call.hold", limit, known)
    if report.kind == "resumed" and call.state is State.HOLD:
        return changes.transition(call, State.ACTIVE, "voice.call.resumed", None, known)
    if order is None or call.state in OVER_STATES:
        return None
    # The report changes no state. But its order must be stored to compare the next report with it.
    return next_version(call, **known), None


def _order(report: Report) -> int | None:
    """Returns a report's position in the provider's order: its sequence number, else its time in milliseconds."""
    if report.sequence is not None:
        return report.sequence
    try:
        return int(clock.parse(report.at).timestamp() * 1_000) if report.at else None
    except ValueError:
        return None
