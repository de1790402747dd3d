"""Counts calls in the inbox of their organization (`switchboard.inbox`)."""

from __future__ import annotations

from switchboard.aws.writes import Writes
from switchboard.calls import store
from switchboard.calls.models import Call
from switchboard.events.models import Event
from switchboard.inbox.models import InboxThing
from switchboard.inbox.projection import InboxProjection

#: The inbox of calls.
INBOX = "calls"
PROJECTION = InboxProjection(INBOX)


def inbox_thing(call: Call) -> InboxThing:
    """Returns a call as a thing of its inbox."""
    return InboxThing(call.id, call.created_at)


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns the subject of a new call, and the writes that count it."""
    call = store.CALLS.get(event.org_id, event.subject.id)
    return PROJECTION.project_thing(event.org_id, inbox_thing(call)) if call else None
