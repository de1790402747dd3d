"""Projects new calls to the lists of the console: the inbox (`calls.inbox`), and the calls of each number.

A later event with a summary lists the call by the words of the summary (`words_projection`).
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws.writes import Writes
from switchboard.calls import numbers, store
from switchboard.calls.inbox import INBOX, inbox_thing
from switchboard.events.models import Event
from switchboard.inbox import service as inbox
from switchboard.inbox.models import InboxThing


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns a new call's place, and the writes that list it. The call may be in the inbox already."""
    call = store.CALLS.get_object(event.org_id, event.subject.id)
    if call is None:
        return None
    thing = inbox_thing(call)
    return thing.place, [inbox.count_thing_writes(call.org_id, INBOX, thing), numbers.entry_writes(call)]


def subjects(org_id: str) -> Iterator[str]:
    """Returns the places of all calls in the inbox."""
    return (thing.place for thing in inbox.list_things(org_id, INBOX))


def removal_writes(org_id: str, place: str) -> Writes:
    """Returns the writes that remove a call from the lists. The flags of members stay, for the next count."""
    thing = InboxThing.of_place(place)
    call = store.CALLS.get_object(org_id, thing.id)
    listed = numbers.delete_entry_writes(call) if call else []
    return [inbox.uncount_thing_writes(org_id, INBOX, thing), listed]
