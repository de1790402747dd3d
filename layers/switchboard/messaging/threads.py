"""Adds texts to conversations. Pure: it reads and writes nothing."""

from __future__ import annotations

from typing import Any

from switchboard.kit import texts
from switchboard.messaging.models import ConversationStatus, TextConversation, TextMessage

#: The characters of the last text that a conversation shows.
MAX_PREVIEW_CHARACTERS = 300


def conversation_id_of(org_id: str, number_id: str, contact_e164: str) -> str:
    """Returns the id of the conversation of a number and a contact. It derives from them, so it is always the same."""
    return f"cnv_{texts.digest(f'{org_id}#{number_id}#{contact_e164}')[:26]}"


def last_message_fields(message: TextMessage) -> dict[str, Any]:
    """Returns the fields of a conversation that show its last text."""
    return {
        "last_message_at": message.created_at,
        "last_message_body": message.body[:MAX_PREVIEW_CHARACTERS],
        "last_message_direction": message.direction,
    }


def add_message(before: TextConversation, message: TextMessage) -> dict[str, Any]:
    """Returns the fields of a conversation that change when a text is added (`persistence.collection.next_version`).

    A text that comes in opens the conversation and counts as unread. An older text than the last one, which arrives
    late, counts but is not shown as the last one.
    """
    facts: dict[str, Any] = {"message_count": before.message_count + 1}
    if before.last_message_at is None or message.created_at >= before.last_message_at:
        facts |= last_message_fields(message)
    if message.direction == "outbound":
        facts["confirmed_opt_out"] = None
    else:
        facts |= {
            "unread_count": before.unread_count + 1,
            "last_inbound_at": max(message.created_at, before.last_inbound_at or ""),
            "status": ConversationStatus.OPEN,
            "snoozed_until": None,
            "snooze_timer": None,
        }
    return facts
