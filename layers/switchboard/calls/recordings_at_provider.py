"""The provider's copies of recordings: deleted once we have our own, and fetched again when an operator asks.

The commit that stores our copy also queues the job that deletes the provider's. A recording that we did not get stays
at the provider.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.aws.writes import Writes, commit
from switchboard.calls import changes, store
from switchboard.calls.changes import CallChange
from switchboard.calls.jobs import ForgetRecording
from switchboard.calls.models import Call, CallerMessageState, CallRecording
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.recordings import RecordingPlace
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject
from switchboard.kit import clock, texts
from switchboard.persistence.collection import next_version
from switchboard.timers import service as timers

#: The first and the longest pause between two attempts. Twenty attempts take about three days.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
MAX_ATTEMPTS = 20


def place_of(call: Call, recording_id: str) -> RecordingPlace:
    """Returns the place of a recording at its provider."""
    return RecordingPlace(call.org_id, call.id, call.provider_call_id, recording_id, call.own_number)


def forget_recording(org_id: str, call_id: str, recording_id: str, attempts: int) -> None:
    """Deletes the provider's copy, or tries again later. After the last attempt an alarm asks for an operator."""
    call = store.CALLS.get_object(org_id, call_id)
    source = voice.find_recordings(call.provider) if call else None
    if call is None or source is None:
        telemetry.log_skip("nothing can be deleted at the provider", org_id=org_id, call_id=call_id)
        return
    try:
        source.forget(place_of(call, recording_id))
    except (voice.RefusedError, voice.OutcomeUnknownError, voice.ThrottledError) as error:
        _try_later(call, recording_id, attempts + 1, str(error))


def _try_later(call: Call, recording_id: str, attempts: int, reason: str) -> None:
    facts = {"org_id": call.org_id, "call_id": call.id, "recording_id": recording_id}
    if attempts >= MAX_ATTEMPTS:
        telemetry.emit_metric("RecordingNotForgotten")
        telemetry.logger().error("recording not deleted at the provider", extra={**facts, "reason": reason})
        return
    telemetry.log_skip("the provider did not delete the recording yet", **facts)
    pause = min(_FIRST_PAUSE * 2 ** (attempts - 1), _LONGEST_PAUSE)
    commit(timers.schedule(ForgetRecording(**facts, attempts=attempts), clock.now() + pause).write)


def forget_again(org_id: str, call_id: str) -> list[str]:
    """Queues the deletion of the provider's copies of a call's stored recordings. Returns the recordings' ids.

    Raises NotFound.
    """
    call = _get_call(org_id, call_id)
    found = [one.id for one in call.recordings if one.key]
    if found:
        commit(*(timers.job_write(ForgetRecording(org_id=org_id, call_id=call_id, recording_id=one)) for one in found))
    return found


def fetch_lost_again(operator: Actor, org_id: str, call_id: str) -> list[str]:
    """Awaits the lost recordings of a call again, and fetches them. Returns their ids. Raises NotFound."""
    lost: list[str] = []

    def decide(call: Call) -> CallChange:
        found = [one for one in call.recordings if one.lost and not one.deleted]
        lost[:] = [one.id for one in found]
        if not lost:
            return None
        awaited = [one.model_copy(update={"lost": False}) if one in found else one for one in call.recordings]
        facts = {"voicemail": CallerMessageState.RECORDED} if any(one.voicemail for one in found) else {}
        after = next_version(call, recordings=awaited, **facts)
        return after, [_requested_write(after, operator, one) for one in found]

    _get_call(org_id, call_id)
    store.CALLS.change_object(org_id, call_id, decide)
    return lost


def _requested_write(call: Call, operator: Actor, recording: CallRecording) -> Writes:
    return events.new_event_write(
        changes.call_origin(call).model_copy(update={"actor": operator}),
        "voice.call.recording_requested",
        Subject(type="call", id=call.id, version=call.version),
        to=texts.digest(call.person_number),
        recording=recording.id,
        voicemail=recording.voicemail,
    )


def _get_call(org_id: str, call_id: str) -> Call:
    call = store.CALLS.get_object(org_id, call_id)
    if call is None:
        raise NotFound(f"There is no call {call_id!r} in the organization.")
    return call
