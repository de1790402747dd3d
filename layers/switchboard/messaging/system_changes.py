"""Changes that the AI makes to a conversation, each turn in one commit with its events and activity."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard import telemetry
from switchboard.aws.writes import Writes, commit
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Actor, SystemActor
from switchboard.kit import texts
from switchboard.messaging import store
from switchboard.messaging.activity import entry_write, tool_entry_write
from switchboard.messaging.conversation_changes import ConversationChanges, decide_changes
from switchboard.messaging.metadata import merge_metadata
from switchboard.messaging.models import TextConversation
from switchboard.messaging.text_events import conversation_event_write
from switchboard.persistence.optimistic import Decision


def change_by_ai(
    org_id: str,
    conversation_id: str,
    changes: ConversationChanges,
    correlation_id: str,
    *,
    beside: Writes,
    escalation: str | None = None,
    tools: Sequence[tuple[str, bool]] = (),
) -> None:
    """Changes a conversation as a turn of the AI asks for. `beside` are the writes that end the turn.

    `escalation` is why a person is asked to look, and `tools` are the tools of others that were called, each with
    its success. Metadata that no longer fit are left out.
    """
    origin = SystemActor(
        org_id=org_id, actor=Actor(type="system", id="ai"), agent_id=None, correlation_id=correlation_id
    )

    def decide(before: TextConversation) -> Decision[TextConversation]:
        found = decide_changes(origin, before, _fitting(before, changes))
        after, writes = found or (before, [])
        told: list[Writes] = [
            conversation_event_write(origin, "conversation.tool_used", after, tool=texts.to_code(name), done=done)
            for name, done in tools
        ]
        told += [
            tool_entry_write(origin, after.id, "tool_used", name, "done" if done else "failed") for name, done in tools
        ]
        if escalation:
            code = texts.to_code(escalation) or "unknown"
            told.append(conversation_event_write(origin, "conversation.escalated", after, reason=code))
            told.append(entry_write(origin, after, "escalated", note=escalation))
        if found is None:
            commit(*told, beside)
            return None
        return after, [writes, *told, beside]

    try:
        store.CONVERSATIONS.change_object(org_id, conversation_id, decide)
    except NotFound:
        telemetry.log_skip("the conversation is gone", org_id=org_id, conversation_id=conversation_id)


def _fitting(before: TextConversation, changes: ConversationChanges) -> ConversationChanges:
    """Returns the changes, without metadata that would be too large with what is there."""
    try:
        merge_metadata(before.metadata, changes.get("metadata", {}))
    except Invalid:
        telemetry.log_skip("the metadata is full", org_id=before.org_id, conversation_id=before.id)
        return {name: value for name, value in changes.items() if name != "metadata"}  # type: ignore[return-value]
    return changes
