"""Response models of HUM's scheduled texts (docs/contracts/hum.md#scheduled-messages)."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from switchboard.messaging.models import Author, ScheduledStatus, ScheduledText, ScheduleReason


class ScheduledMediaView(BaseModel):
    """A file of a scheduled text."""

    url: str
    content_type: str | None


class ScheduledTextView(BaseModel):
    """A text that is sent later, or was to be."""

    id: str
    conversation_id: str
    twilio_number_id: str
    contact_e164: str
    body: str
    media: list[ScheduledMediaView]
    purpose: str | None
    author: Author
    author_user_id: str | None
    honor_quiet_hours: bool
    status: ScheduledStatus
    reason: ScheduleReason = Field(description="The reason for the later time: a member's or the AI's, or quiet hours.")
    send_at: str
    message_id: str | None = Field(description="The message that it became.")
    error: str | None = Field(description="The code of the reason for which it was not sent.")
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, found: ScheduledText) -> Self:
        """Returns the view of a scheduled text."""
        return cls(
            id=found.id,
            conversation_id=found.conversation_id,
            twilio_number_id=found.number_id,
            contact_e164=found.contact_e164,
            body=found.body,
            media=[ScheduledMediaView(url=one.url, content_type=one.content_type) for one in found.media if one.url],
            purpose=found.purpose,
            author=found.author,
            author_user_id=found.author_user_id,
            honor_quiet_hours=found.honors_quiet_hours,
            status=found.status,
            reason=found.reason,
            send_at=found.send_at,
            message_id=found.message_id,
            error=found.error,
            created_at=found.created_at,
            updated_at=found.updated_at,
        )


class ScheduledTextPageView(BaseModel):
    """A page of scheduled texts."""

    scheduled: list[ScheduledTextView]
    next_cursor: str | None
