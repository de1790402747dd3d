"""HUM's views of conversations and texts (docs/contracts/hum.md#conversations)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from switchboard.dialects.hum.call_views import CallContact
from switchboard.messaging import media_links
from switchboard.messaging.conversation_lists import ConversationRow
from switchboard.messaging.models import (
    Author,
    ConversationStatus,
    Direction,
    MessageStatus,
    ScheduledText,
    ScheduleReason,
    TextConversation,
    TextMessage,
)


class ConversationView(BaseModel):
    """The texts between one of your numbers and a contact."""

    id: str
    twilio_number_id: str = Field(description="Your number.")
    number_e164: str
    contact_e164: str
    contact: CallContact | None
    flow_id: str | None = Field(description="The flow that answers, instead of the `sms_flow_id` of the number.")
    status: ConversationStatus
    snoozed_until: str | None = Field(description="When a snoozed conversation opens again.")
    assigned_user_id: str | None
    ai_paused: bool = Field(description="Whether the AI does not answer. A member's text pauses it.")
    needs_attention: bool = Field(
        description="Whether the contact asked in a sentence to get no more texts, or the AI handed the conversation"
        " to a person (`metadata.escalation_reason`). Closing the conversation ends it."
    )
    unread_count: int
    message_count: int
    last_message_at: str | None
    last_message_body: str | None = Field(description="The beginning of the last text: up to 300 characters.")
    last_message_direction: Direction | None
    opted_out: bool = Field(description="Whether the contact opted out of all texts and calls.")
    simulated: bool = Field(description="Whether the texts reach nobody, and cost nothing.")
    metadata: dict[str, Any] = Field(
        description="Your own data. The AI keeps `previous_response_id`, `outcomes` and `escalation_reason` here."
    )
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, row: ConversationRow) -> ConversationView:
        """Returns HUM's view of a conversation."""
        return cls.model_validate(row_fields(row))


class TextMediaView(BaseModel):
    """A file of a text."""

    url: str | None = Field(description="The address of the file. It is null while a file that came in is not stored.")
    content_type: str | None
    error: str | None = Field(description="Why a file that came in could not be stored.")


class TextView(BaseModel):
    """A text."""

    id: str
    conversation_id: str
    direction: Direction
    body: str
    media: list[TextMediaView]
    status: MessageStatus = Field(description="`unconfirmed`: the carrier may have the text. It is not sent again.")
    provider_sid: str | None
    error_code: str | None
    error_message: str | None
    segments: int
    author: Author
    author_user_id: str | None
    purpose: str | None
    campaign_id: str | None
    simulated: bool
    created_at: str
    sent_at: str | None
    delivered_at: str | None

    @classmethod
    def of(cls, message: TextMessage) -> TextView:
        """Returns HUM's view of a text, with links to its files."""
        return cls.model_validate(message_fields(message, linked=True))


class ScheduledMessageBrief(BaseModel):
    """A text that is sent later."""

    id: str
    send_at: str
    reason: ScheduleReason

    @classmethod
    def of(cls, scheduled: ScheduledText) -> ScheduledMessageBrief:
        """Returns HUM's view of a scheduled text in an answer."""
        return cls(id=scheduled.id, send_at=scheduled.send_at, reason=scheduled.reason)


def row_fields(row: ConversationRow) -> dict[str, Any]:
    """Returns the fields of a conversation for a reader."""
    contact = row.contact
    return conversation_fields(row.conversation) | {
        "contact": {"id": contact.id, "display_name": contact.display_name} if contact else None,
        "opted_out": row.opted_out,
    }


def conversation_fields(conversation: TextConversation) -> dict[str, Any]:
    """Returns the fields of a conversation that need no other object."""
    return {
        "id": conversation.id,
        "twilio_number_id": conversation.number_id,
        "number_e164": conversation.number_e164,
        "contact_e164": conversation.contact_e164,
        "flow_id": conversation.flow_id,
        "status": conversation.status.value,
        "snoozed_until": conversation.snoozed_until,
        "assigned_user_id": conversation.assigned_user_id,
        "ai_paused": conversation.ai_paused,
        "needs_attention": conversation.needs_attention,
        "unread_count": conversation.unread_count,
        "message_count": conversation.message_count,
        "last_message_at": conversation.last_message_at,
        "last_message_body": conversation.last_message_body,
        "last_message_direction": conversation.last_message_direction,
        "simulated": conversation.simulated,
        "metadata": conversation.metadata,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }


def message_fields(message: TextMessage, *, linked: bool) -> dict[str, Any]:
    """Returns the fields of a text. Without `linked`, a file that came in has no signed link, which would expire."""
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "direction": message.direction,
        "body": message.body,
        "media": [
            {
                "url": media_links.media_link(message, number) if linked or media.key is None else None,
                "content_type": media.content_type,
                "error": media.error,
            }
            for number, media in enumerate(message.media)
        ],
        "status": message.status.value,
        "provider_sid": message.provider_sid,
        "error_code": message.error_code,
        "error_message": message.error_message,
        "segments": message.segments,
        "author": message.author.value,
        "author_user_id": message.author_user_id,
        "purpose": message.purpose,
        "campaign_id": message.campaign_id,
        "simulated": message.simulated,
        "created_at": message.created_at,
        "sent_at": message.sent_at,
        "delivered_at": message.delivered_at,
    }
