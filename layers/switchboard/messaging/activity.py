"""The activity of a conversation: its assignees, statuses and pauses, each with the member who changed it."""

from __future__ import annotations

from typing import Literal

from switchboard.aws.writes import Put
from switchboard.errors import NotFound
from switchboard.events.models import Origin
from switchboard.kit import clock, ids
from switchboard.messaging import store
from switchboard.messaging.models import ActivityEntry, ActivityEntryKind, TextConversation
from switchboard.team.models import Member

#: The entries about tools of the AI. Their note is the tool's name.
ToolEntryKind = Literal["tool_used", "tool_approval_requested", "tool_approved", "tool_denied", "tool_approval_expired"]


def require_conversation(org_id: str, conversation_id: str) -> TextConversation:
    """Returns the organization's conversation with this id. Raises NotFound."""
    found = store.CONVERSATIONS.get_object(org_id, conversation_id)
    if found is None:
        raise NotFound("There is no such conversation: check its id.")
    return found


def entry_write(
    origin: Origin,
    conversation: TextConversation,
    kind: ActivityEntryKind,
    before: str | None = None,
    after: str | None = None,
    note: str | None = None,
    actor_id: str | None = None,
) -> Put:
    """Returns the write that adds an entry, for the commit of the change.

    `actor_id` names who acted, if it is not the origin: the contact, or the member for whom a worker acts.
    """
    entry = _new_entry(origin, kind, before, after, note, actor_id)
    return store.activity_write(conversation.org_id, conversation.id, entry)


def tool_entry_write(
    origin: Origin, conversation_id: str, kind: ToolEntryKind, tool: str, outcome: str | None = None
) -> Put:
    """Returns the write that adds an entry about a tool of the AI. `outcome` says how its use ended."""
    return store.activity_write(origin.org_id, conversation_id, _new_entry(origin, kind, after=outcome, note=tool))


def _new_entry(
    origin: Origin,
    kind: ActivityEntryKind,
    before: str | None = None,
    after: str | None = None,
    note: str | None = None,
    actor_id: str | None = None,
) -> ActivityEntry:
    return ActivityEntry(
        id=ids.new_id("act"),
        kind=kind,
        actor=actor_id or origin.actor.id,
        actor_name=origin.user.name if isinstance(origin, Member) else None,
        at=clock.now_iso(),
        before=before,
        after=after,
        note=note,
    )


def list_conversation_activity(
    org_id: str, conversation_id: str, limit: int, after: str | None
) -> tuple[list[ActivityEntry], str | None]:
    """Returns a page of the activity, the newest first, and the cursor of the next page. Raises NotFound, Invalid."""
    require_conversation(org_id, conversation_id)
    return store.list_activity(org_id, conversation_id, limit, after)
