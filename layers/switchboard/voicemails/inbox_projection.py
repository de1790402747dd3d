"""Projects new voicemails to the inbox, which counts what each member has not read (`switchboard.projections`)."""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws.writes import Writes
from switchboard.events.models import Event
from switchboard.inbox import service as inbox
from switchboard.inbox.models import InboxThing
from switchboard.voicemails import store
from switchboard.voicemails.inbox import INBOX, inbox_thing


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns a new voicemail's place, and the writes that count it. A deleted voicemail is not counted again."""
    voicemail = store.VOICEMAILS.get_object(event.org_id, event.subject.id)
    if voicemail is None:
        return None
    thing = inbox_thing(voicemail)
    return thing.place, inbox.count_thing_writes(voicemail.org_id, INBOX, thing)


def subjects(org_id: str) -> Iterator[str]:
    """Returns the places of all counted voicemails."""
    return (thing.place for thing in inbox.list_things(org_id, INBOX))


def removal_writes(org_id: str, place: str) -> Writes:
    """Returns the writes that end the count of a voicemail. The flags of members stay, for the next count."""
    return inbox.uncount_thing_writes(org_id, INBOX, InboxThing.of_place(place))
