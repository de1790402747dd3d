"""Voicemails and requests for the tests of voicemails."""

from __future__ import annotations

from functools import partial
from typing import Any

from switchboard.aws import objects
from switchboard.aws.writes import commit
from switchboard.calls import store as calls
from switchboard.calls.models import Call, CallerMessageState, CallRecording
from switchboard.events import service as events
from switchboard.events.models import Event, Subject
from switchboard.kit import ids
from switchboard.persistence.collection import next_version
from switchboard.projections import service as projections
from switchboard.voicemails import creation, store
from switchboard.voicemails.jobs import EraseVoicemail
from switchboard.voicemails.models import Voicemail
from tests.actors import system
from tests.unit.call_records import desk
from tests.unit.call_records.desk import ADA, save_call

Ask = desk.Ask

AUDIO = b"RIFF0000WAVE"


def save_message(org_id: str, caller: str = ADA, text: str | None = None, **fields: Any) -> Call:
    """Store a call with a message of its caller, and its audio. By default only the simulator has a `text`."""
    facts = {
        "direction": "INBOUND",
        "number_id": "num_1",
        "flow_id": "flow_1",
        "provider": "simulator" if text else "twilio",
    }
    call = save_call(org_id, caller, listed=False, **facts | fields)
    recording_id = ids.new_id("RE")
    key = f"{org_id}/calls/{call.id}/{recording_id}.wav"
    objects.put_object("recordings", key, AUDIO, "audio/wav")
    message = CallRecording(
        id=recording_id,
        url="https://api.twilio.com/x",
        duration_seconds=12,
        voicemail=True,
        key=key,
        media_type="audio/wav",
        size_bytes=len(AUDIO),
    )
    after = next_version(
        call,
        recordings=[message],
        voicemail=CallerMessageState.RECORDED,
        transcripts={recording_id: text} if text else {},
    )
    commit(calls.CALLS.save_write(after))
    return after


def create(call: Call) -> Voicemail:
    """Do what the worker does with the event of a stored message."""
    recording_id = call.recordings[0].id
    creation.create_voicemail(call.org_id, call.id, recording_id)
    found = store.VOICEMAILS.get_object(call.org_id, creation.voicemail_id(call, recording_id))
    assert found is not None
    return found


def save_voicemail(org_id: str, caller: str = ADA, text: str | None = None, *, counted: bool = True) -> Voicemail:
    """Store a voicemail. One that is not `counted` waits for the worker of the projections."""
    voicemail = create(save_message(org_id, caller, text))
    if counted:
        count_voicemail(voicemail)
    return voicemail


def received_event(voicemail: Voicemail) -> Event:
    """The event of a new voicemail."""
    return events.new_event(
        system(voicemail.org_id),
        "voicemail.received",
        Subject(type="voicemail", id=voicemail.id, version=1),
        call=voicemail.call_id,
        caller="0" * 64,
        duration_seconds=voicemail.duration_seconds,
    )


def count_voicemail(voicemail: Voicemail) -> None:
    """Do what the worker of the projections does for a new voicemail."""
    projections.project_event(received_event(voicemail))


def find_voicemail(voicemail: Voicemail) -> Voicemail:
    """Returns the present version of a voicemail."""
    found = store.VOICEMAILS.get_object(voicemail.org_id, voicemail.id)
    assert found is not None
    return found


def find_call(voicemail: Voicemail) -> Call:
    """Returns the call in which a voicemail was left."""
    found = calls.CALLS.get_object(voicemail.org_id, voicemail.call_id)
    assert found is not None
    return found


def erase_job(voicemail: Voicemail) -> EraseVoicemail:
    """The job that the deletion of a voicemail asks for."""
    return EraseVoicemail(
        org_id=voicemail.org_id,
        voicemail_id=voicemail.id,
        created_at=voicemail.created_at,
        audio_key=voicemail.audio_key,
    )


#: Sends a member's requests to the group of voicemails, or to another one.
ask_as = partial(desk.ask_as, group="hum/voicemails")
#: Returns the ids of all voicemails of a list, page by page.
list_ids = partial(desk.list_ids, things="voicemails")
