"""Messages of callers among the recordings of their calls, for the voicemails that are made of them."""

from __future__ import annotations

from switchboard.aws.writes import ConditionCheck, Put
from switchboard.calls import store
from switchboard.calls.models import Call, CallerMessageState, CallRecording
from switchboard.persistence.collection import next_version


def find_recording(call: Call, recording_id: str) -> CallRecording | None:
    """Returns a recording of a call, also without its audio."""
    return next((one for one in call.recordings if one.id == recording_id), None)


def find_message(call: Call, recording_id: str) -> CallRecording | None:
    """Returns the recording of a message whose audio is stored, `None` if it is lost or deleted."""
    found = find_recording(call, recording_id)
    return found if found and found.voicemail and found.key and found.media_type else None


def unchanged_call_check(call: Call) -> ConditionCheck:
    """Returns the check that a call, with its messages, has not changed. Raises StaleVersionError at commit."""
    return store.unchanged_check(call)


def forget_message_write(call: Call, recording_id: str) -> Put | None:
    """Returns the write that removes a message's audio and text from its call, `None` if the call has neither.

    Late reports and repeated jobs do not bring them back. Raises StaleVersionError at commit.
    """
    found = find_recording(call, recording_id)
    if found is None or found.deleted:
        return None
    # The media type stays: with it a worker finds the object that a parallel run may have written.
    gone = found.model_copy(update={"key": None, "url": "", "size_bytes": None, "deleted": True})
    after = next_version(
        call,
        recordings=[gone if one.id == recording_id else one for one in call.recordings],
        transcripts={id_: text for id_, text in call.transcripts.items() if id_ != recording_id},
    )
    if not any(one.voicemail and not one.lost and not one.deleted for one in after.recordings):
        after = after.model_copy(update={"voicemail": CallerMessageState.DELETED})
    return store.CALLS.save_write(after)
