"""Decides the changes of a conversation's fields, with their events and activity. Pure: it reads and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

from switchboard.aws.writes import Put, Writes
from switchboard.errors import Invalid
from switchboard.events.models import Origin
from switchboard.kit import clock
from switchboard.messaging.activity import entry_write
from switchboard.messaging.jobs import WakeConversation
from switchboard.messaging.metadata import merge_metadata
from switchboard.messaging.models import ConversationStatus, TextConversation
from switchboard.messaging.text_events import conversation_event_write
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers

#: The fields that are stored as a request gives them.
_PLAIN = ("ai_paused", "needs_attention", "assigned_user_id", "flow_id", "unread_count")
#: The fields whose changes are in the event `conversation.updated`.
_UPDATED = ("ai_paused", "flow_id", "metadata", "unread_count")


class ConversationChanges(TypedDict, total=False):
    """The fields to change, all valid. A missing one stays."""

    ai_paused: bool
    needs_attention: bool
    assigned_user_id: str | None
    status: ConversationStatus
    #: Only with the status `snoozed`.
    snoozed_until: str | None
    flow_id: str | None
    #: A JSON Merge Patch.
    metadata: dict[str, Any]
    unread_count: int


def decide_changes(
    origin: Origin, before: TextConversation, changes: ConversationChanges, cause: str = "member"
) -> Decision[TextConversation]:
    """Returns the changed conversation with the writes of its events, activity and timers, `None` without a difference.

    `cause` is the reason why the conversation opens again. Raises Invalid.
    """
    facts = _changed_fields(before, changes)
    if not facts:
        return None
    timer_writes: list[Writes] = []
    if "status" in facts:
        timer_writes.append(timers.cancel_writes(before.snooze_timer))
        if facts["status"] is ConversationStatus.SNOOZED:
            until = facts["snoozed_until"]
            job = WakeConversation(org_id=before.org_id, conversation_id=before.id, snoozed_until=until)
            wake = timers.schedule(job, clock.parse(until))
            facts["snooze_timer"] = wake.ref
            timer_writes.append(wake.write)
    after = next_version(before, **facts)
    return after, [
        *timer_writes,
        *_event_writes(origin, after, facts, cause),
        *_entry_writes(origin, before, after, facts),
    ]


def _changed_fields(before: TextConversation, changes: ConversationChanges) -> dict[str, Any]:
    wanted: dict[str, Any] = {name: changes[name] for name in _PLAIN if name in changes}  # type: ignore[literal-required]
    if "metadata" in changes:
        wanted["metadata"] = merge_metadata(before.metadata, changes["metadata"])
    status, until = changes.get("status"), changes.get("snoozed_until")
    if status is None and "snoozed_until" in changes:
        # The end of the present snooze changes.
        status = _require_snooze(before, until)
    if status:
        wanted |= {"status": status, "snoozed_until": until}
    facts = {name: value for name, value in wanted.items() if getattr(before, name) != value}
    if "status" in facts or "snoozed_until" in facts:
        facts |= {"status": status, "snoozed_until": until, "snooze_timer": None}
    if facts.get("status") is ConversationStatus.CLOSED:
        facts["needs_attention"] = False
    return facts


def _require_snooze(before: TextConversation, until: str | None) -> ConversationStatus:
    """Returns the status of a conversation whose `snoozed_until` is sent without a status. Raises Invalid."""
    is_snoozed = before.status is ConversationStatus.SNOOZED
    if is_snoozed and until is None:
        raise Invalid(
            "A snoozed conversation needs its snoozed_until: set the status to open.",
            code="invalid_snooze",
            fields={"snoozed_until": "cannot be cleared without a status"},
        )
    if until and not is_snoozed:
        raise Invalid(
            "This conversation is not snoozed: send the status snoozed too.",
            code="invalid_snooze",
            fields={"status": "is missing: send snoozed"},
        )
    return before.status


def _event_writes(origin: Origin, after: TextConversation, facts: dict[str, Any], cause: str) -> Iterator[Put]:
    if "assigned_user_id" in facts:
        assignee = {"assignee": after.assigned_user_id} if after.assigned_user_id else {}
        yield conversation_event_write(origin, "conversation.assigned", after, **assignee)
    if "status" in facts:
        match after.status:
            case ConversationStatus.CLOSED:
                yield conversation_event_write(origin, "conversation.closed", after)
            case ConversationStatus.SNOOZED:
                yield conversation_event_write(origin, "conversation.snoozed", after, until=after.snoozed_until)
            case ConversationStatus.OPEN:
                yield conversation_event_write(origin, "conversation.reopened", after, cause=cause)
    if updated := sorted(facts.keys() & set(_UPDATED)):
        yield conversation_event_write(origin, "conversation.updated", after, fields=updated)


def _entry_writes(
    origin: Origin, before: TextConversation, after: TextConversation, facts: dict[str, Any]
) -> Iterator[Put]:
    if "assigned_user_id" in facts:
        yield entry_write(origin, after, "assigned", before.assigned_user_id, after.assigned_user_id)
    if "status" in facts:
        yield entry_write(origin, after, "status", before.status.value, after.status.value, after.snoozed_until)
    if "ai_paused" in facts:
        yield entry_write(origin, after, "ai_paused", str(before.ai_paused).lower(), str(after.ai_paused).lower())
    if "flow_id" in facts:
        yield entry_write(origin, after, "flow", before.flow_id, after.flow_id)
