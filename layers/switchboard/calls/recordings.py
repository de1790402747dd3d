"""Fetches the recordings of calls into our own bucket, and gives up on those that never come.

The object is written before the call names it. So a worker that is killed in between writes the same object again.
An object of a message that was deleted meanwhile is deleted again.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.aws import objects
from switchboard.aws.writes import commit
from switchboard.calls import changes, messages, store
from switchboard.calls.changes import CallChange
from switchboard.calls.jobs import FetchRecording, ForgetRecording
from switchboard.calls.models import Call, CallerMessageState, CallRecording
from switchboard.calls.recordings_at_provider import place_of
from switchboard.calls.reports import recording_event_data
from switchboard.carriers import audio_types, voice
from switchboard.carriers.voice.ports.recordings import Audio
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.timers import service as timers

BUCKET = "recordings"
#: The first and the longest pause between two attempts. Twelve attempts take about 20 hours.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=4)
MAX_ATTEMPTS = 12
#: The time after which the provider has made the text of a message, for which it needs its copy.
_TRANSCRIBING = timedelta(minutes=14)


def fetch_recording(org_id: str, call_id: str, recording_id: str, attempts: int) -> None:
    """Stores a recording, or tries again later. After the last attempt the recording is lost."""
    call = store.CALLS.get_object(org_id, call_id)
    recording = messages.find_recording(call, recording_id) if call else None
    if call and recording and recording.deleted:
        telemetry.log_skip("the message was deleted", org_id=org_id, call_id=call_id)
        _erase(call, recording)
        commit(timers.job_write(ForgetRecording(org_id=org_id, call_id=call_id, recording_id=recording_id)))
        return
    if call is None or recording is None or recording.key or recording.lost:
        telemetry.log_skip("the recording is gone, stored or lost", org_id=org_id, call_id=call_id)
        return
    source = voice.find_recordings(call.provider)
    if source is None:
        telemetry.log_skip("nothing can be fetched from the provider", org_id=org_id, call_id=call_id)
        return
    try:
        found = source.fetch(place_of(call, recording_id))
    except voice.RefusedError as refused:
        _lose(call, recording_id, str(refused))
    except (voice.OutcomeUnknownError, voice.ThrottledError) as unknown:
        _try_later(call, recording_id, attempts + 1, str(unknown))
    else:
        _store(call, recording, found)


def close_voicemail(org_id: str, call_id: str) -> None:
    """Stops waiting for the recording of a message. It is lost if the caller spoke; otherwise there is no message."""

    def decide(call: Call) -> CallChange:
        if call.voicemail is CallerMessageState.OFFERED:
            return next_version(call, voicemail=CallerMessageState.NONE), None
        if call.voicemail is not CallerMessageState.LEFT:
            return None
        after = next_version(call, voicemail=CallerMessageState.LOST)
        return after, changes.event_writes(after, "voice.call.recording_lost", recording=None, voicemail=True)

    if not store.CALLS.change_object(org_id, call_id, decide):
        telemetry.log_skip("no recording is awaited", org_id=org_id, call_id=call_id)


def _object_key(call: Call, recording_id: str, media_type: str) -> str:
    return f"{call.org_id}/calls/{call.id}/{recording_id}.{audio_types.extension_of(media_type)}"


def _erase(call: Call, recording: CallRecording) -> None:
    if recording.media_type:
        objects.delete_object(BUCKET, _object_key(call, recording.id, recording.media_type))


def _store(call: Call, recording: CallRecording, found: Audio) -> None:
    key = _object_key(call, recording.id, found.media_type)
    objects.put_object(BUCKET, key, found.content, found.media_type)

    def decide(now: Call) -> CallChange:
        known = messages.find_recording(now, recording.id)
        if known is None or known.key or known.deleted:
            return None
        stored = known.model_copy(
            update={"key": key, "media_type": found.media_type, "size_bytes": len(found.content), "lost": False}
        )
        after = next_version(now, recordings=_with(now, stored))
        # The provider's copy is deleted only after ours is known.
        job = ForgetRecording(org_id=now.org_id, call_id=now.id, recording_id=stored.id)
        forget = timers.schedule(job, clock.now() + (_TRANSCRIBING if stored.voicemail else timedelta())).write
        data = recording_event_data(stored)
        if not stored.voicemail:
            return after, [forget, changes.event_writes(after, "voice.call.recording_stored", **data)]
        more = {"flow": after.flow_id} if after.flow_id else {}
        return after, [forget, changes.event_writes(after, "voice.call.voicemail_recorded", **data, **more)]

    if store.CALLS.change_object(call.org_id, call.id, decide):
        return
    # Another run has stored the recording, and its message may have been deleted since.
    present = store.CALLS.get_object(call.org_id, call.id)
    stored = messages.find_recording(present, recording.id) if present else None
    if present and stored and stored.deleted:
        _erase(present, stored)


def _lose(call: Call, recording_id: str, reason: str) -> None:
    telemetry.emit_metric("RecordingLost")
    facts = {"org_id": call.org_id, "call_id": call.id, "recording_id": recording_id}
    telemetry.logger().error("recording lost", extra={**facts, "reason": reason})

    def decide(now: Call) -> CallChange:
        known = messages.find_recording(now, recording_id)
        if known is None or known.key or known.lost or known.deleted:
            return None
        facts = {"voicemail": CallerMessageState.LOST} if known.voicemail else {}
        after = next_version(now, recordings=_with(now, known.model_copy(update={"lost": True})), **facts)
        data = {"recording": recording_id, "voicemail": known.voicemail}
        return after, changes.event_writes(after, "voice.call.recording_lost", **data)

    store.CALLS.change_object(call.org_id, call.id, decide)


def _try_later(call: Call, recording_id: str, attempts: int, reason: str) -> None:
    if attempts >= MAX_ATTEMPTS:
        _lose(call, recording_id, f"not fetched in {attempts} attempts: {reason}")
        return
    telemetry.log_skip("the provider does not have the recording yet", org_id=call.org_id, call_id=call.id)
    again = FetchRecording(org_id=call.org_id, call_id=call.id, recording_id=recording_id, attempts=attempts)
    pause = min(_FIRST_PAUSE * 2 ** (attempts - 1), _LONGEST_PAUSE)
    commit(timers.schedule(again, clock.now() + pause).write)


def _with(call: Call, recording: CallRecording) -> list[CallRecording]:
    return [recording if one.id == recording.id else one for one in call.recordings]
