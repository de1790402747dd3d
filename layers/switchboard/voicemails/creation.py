"""Creates the voicemail of a message, once its audio is stored."""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.aws import reads
from switchboard.aws.writes import commit
from switchboard.calls import changes, lookup, messages
from switchboard.calls.models import Call, CallRecording
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock, ids, texts
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.timers import service as timers
from switchboard.voicemails import store
from switchboard.voicemails.jobs import TranscribeVoicemail
from switchboard.voicemails.models import MAX_TRANSCRIPT_CHARACTERS, Voicemail


def voicemail_id(call: Call, recording_id: str) -> str:
    """Returns the id of a message's voicemail. It derives from the recording, so that a repeated job finds it."""
    moment = int(clock.parse(call.created_at).timestamp() * 1_000)
    return ids.derive_id("vm", moment, call.org_id, call.id, recording_id)


def create_voicemail(org_id: str, call_id: str, recording_id: str) -> None:
    """Creates the voicemail of a message, with the job that gets its transcript. It may run several times."""
    retry_on_conflict(lambda: _create(org_id, call_id, recording_id))


def _create(org_id: str, call_id: str, recording_id: str) -> None:
    call = reads.read_ref(lookup.call_ref(org_id, call_id))
    message = messages.find_message(call, recording_id) if call else None
    if call is None or message is None:
        telemetry.log_skip("the message is gone", org_id=org_id, call_id=call_id)
        return
    if store.VOICEMAILS.get_object(org_id, voicemail_id(call, recording_id)):
        telemetry.log_skip("the voicemail exists", org_id=org_id, call_id=call_id)
        return
    # The time of this commit, and not of the call: a member who marks everything as read has not seen it before.
    voicemail = new_voicemail(call, message, clock.now_iso())
    commit(
        store.VOICEMAILS.create_write(voicemail),
        # The message may be deleted meanwhile: then the voicemail must not come back.
        messages.unchanged_call_check(call),
        events.new_event_write(
            changes.call_origin(call),
            "voicemail.received",
            Subject(type="voicemail", id=voicemail.id, version=voicemail.version),
            **_event_data(voicemail),
        ),
        timers.job_write(_transcription(voicemail, call.message_language)),
    )


def _transcription(voicemail: Voicemail, language: str | None) -> TranscribeVoicemail:
    return TranscribeVoicemail(
        org_id=voicemail.org_id,
        voicemail_id=voicemail.id,
        audio_key=voicemail.audio_key,
        media_type=voicemail.media_type,
        language=language,
    )


def new_voicemail(call: Call, message: CallRecording, now: str) -> Voicemail:
    """Returns the voicemail of a message whose audio is stored, not stored itself yet.

    A line's text is worse than speech recognition, and stands in only if that fails. The simulator's text is exact.
    """
    assert message.key
    assert message.media_type
    text = call.transcripts.get(message.id) if call.reaches_nobody else None
    return Voicemail(
        id=voicemail_id(call, message.id),
        org_id=call.org_id,
        call_id=call.id,
        recording_id=message.id,
        number_id=call.number_id,
        flow_id=call.flow_id,
        from_e164=call.person_number,
        duration_seconds=message.duration_seconds,
        audio_key=message.key,
        media_type=message.media_type,
        is_test=call.is_test,
        simulated=call.simulated,
        provider_transcribes=call.reaches_nobody,
        transcript=text[:MAX_TRANSCRIPT_CHARACTERS] if text else None,
        transcript_source="provider" if text else None,
        transcript_state="done" if text else "pending",
        agent_id=call.agent_id,
        correlation_id=call.correlation_id,
        created_at=now,
        updated_at=now,
    )


def _event_data(voicemail: Voicemail) -> dict[str, Any]:
    data = {
        "call": voicemail.call_id,
        "caller": texts.digest(voicemail.from_e164),
        "duration_seconds": voicemail.duration_seconds,
        "called": voicemail.number_id,
        "flow": voicemail.flow_id,
    }
    return {name: value for name, value in data.items() if value is not None}
