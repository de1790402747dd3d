"""Deletes voicemails, with their audio, their timeline and the link from their call.

One commit deletes the voicemail and the call's link. A job then deletes what does not fit in a commit. A worker that is
killed runs the job again.
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws import objects, reads
from switchboard.calls import lookup, messages
from switchboard.calls.recordings import BUCKET
from switchboard.errors import NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.inbox import service as inbox
from switchboard.inbox.models import InboxThing
from switchboard.kit import texts
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.timers import service as timers
from switchboard.voicemails import store
from switchboard.voicemails.inbox import INBOX, inbox_thing
from switchboard.voicemails.jobs import EraseVoicemail

_PAGE = 100


def delete_voicemail(origin: Origin, voicemail_id: str, effect: IdempotencyKey | None = None) -> None:
    """Deletes a voicemail for the organization. Raises NotFound."""
    retry_on_conflict(lambda: _delete(origin, voicemail_id, effect))


def list_voicemail_ids(org_id: str) -> Iterator[str]:
    """Returns the ids of all voicemails of an organization, page by page, the newest first."""
    after: str | None = None
    while True:
        places, after = store.list_places(org_id, None, _PAGE, after)
        yield from (place.split("#")[1] for place in places)
        if after is None:
            return


def _delete(origin: Origin, voicemail_id: str, effect: IdempotencyKey | None) -> None:
    voicemail = store.VOICEMAILS.get_object(origin.org_id, voicemail_id)
    if voicemail is None:
        if find_earlier_effect(effect):
            return
        raise NotFound("There is no such voicemail: check its id.")
    call = reads.read_ref(lookup.call_ref(origin.org_id, voicemail.call_id))
    deleted = events.new_event_write(
        origin,
        "voicemail.deleted",
        Subject(type="voicemail", id=voicemail.id, version=voicemail.version + 1),
        call=voicemail.call_id,
        caller=texts.digest(voicemail.from_e164),
        content=texts.digest(texts.dump_json(voicemail.model_dump(mode="json"))),
    )
    erase = EraseVoicemail(
        org_id=voicemail.org_id,
        voicemail_id=voicemail.id,
        created_at=voicemail.created_at,
        audio_key=voicemail.audio_key,
    )
    commit_once(
        effect,
        voicemail.id,
        store.VOICEMAILS.delete_write(voicemail),
        messages.forget_message_write(call, voicemail.recording_id) if call else None,
        inbox.removal_write(voicemail.org_id, INBOX, inbox_thing(voicemail)),
        deleted,
        timers.job_write(erase),
    )


def erase_voicemail(job: EraseVoicemail) -> None:
    """Deletes the rest of a deleted voicemail. It may run several times."""
    objects.delete_object(BUCKET, job.audio_key)
    store.delete_activity(job.org_id, job.voicemail_id)
    inbox.settle_removal(job.org_id, INBOX, InboxThing(job.voicemail_id, job.created_at))
