"""The items of voicemails for a bulk load, as the services and the projection write them one after the other.

No event of a voicemail may be projected meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from switchboard.aws.dynamodb import Item
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import InboxThing
from switchboard.voicemails import store
from switchboard.voicemails.inbox import INBOX, inbox_thing
from switchboard.voicemails.models import Voicemail, VoicemailActivity


class BulkVoicemail(NamedTuple):
    """A voicemail with its timeline."""

    voicemail: Voicemail
    timeline: Sequence[VoicemailActivity] = ()


def bulk_items(org_id: str, voicemails: Iterable[BulkVoicemail]) -> Iterator[tuple[str, Item]]:
    """Yields the items of an organization that has these voicemails only, each with its table."""
    things: list[InboxThing] = []
    for one in voicemails:
        things.append(inbox_thing(one.voicemail))
        yield "activity", store.VOICEMAILS.create_write(one.voicemail).item
        yield from (("activity", store.activity_write(one.voicemail, entry).item) for entry in one.timeline)
    yield from (("core", item) for item in inboxes.bulk_items(org_id, INBOX, things))
