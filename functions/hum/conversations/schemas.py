"""Request and response models of HUM's conversations (docs/contracts/hum.md#conversations)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from switchboard.dialects.hum.shapes import ContactNumber, Ok, WarningView
from switchboard.dialects.hum.text_views import ConversationView, ScheduledMessageBrief, TextView
from switchboard.edge.fields import FreeJson, Id, Omissible, OneLine, Timestamp
from switchboard.edge.schema import omit_default
from switchboard.messaging.acceptance import SentText, TextDraft
from switchboard.messaging.conversations import NewConversation, StartedConversation
from switchboard.messaging.metadata import MAX_METADATA_BYTES
from switchboard.messaging.models import (
    MAX_BODY_CHARACTERS,
    MAX_MEDIA,
    ActivityEntry,
    ActivityEntryKind,
    ConversationStatus,
    TextMedia,
)

_WARNINGS = "`a2p_unregistered`: networks may block texts of this number to the United States."


class SmsMediaItem(BaseModel):
    """A file to send."""

    url: str = Field(
        max_length=2_048,
        description="The public `https` address from which the carrier gets the file.",
        json_schema_extra={"format": "uri"},
    )
    content_type: Omissible[Annotated[str, OneLine(120)]] = Field(
        default=None, description="Its media type.", json_schema_extra=omit_default
    )


_Body = Annotated[str, Field(max_length=MAX_BODY_CHARACTERS)]
_Media = Annotated[list[SmsMediaItem], Field(max_length=MAX_MEDIA)]
_BODY, _MEDIA = "The words of the text. They may be empty if there is a file.", "The files of the text, at most ten."


class SmsInitialMessage(BaseModel):
    """The first text of a conversation."""

    body: _Body = Field(default="", description=_BODY, json_schema_extra=omit_default)
    media: _Media = Field(default_factory=list, description=_MEDIA)
    honor_quiet_hours: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Whether a text in the contact's quiet hours waits for their end."
    )

    def to_draft(self) -> TextDraft:
        """Returns the text to send."""
        return TextDraft(body=self.body, media=_media(self.media), honors_quiet_hours=self.honor_quiet_hours)


class SmsSendMessageInput(SmsInitialMessage):
    """A text to send."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"body": "Your appointment is on Monday at 10:30. Does that work for you?"}]}
    )

    scheduled_at: Timestamp | None = Field(
        default=None, description="When to send it, at most 90 days ahead. Null sends it now."
    )
    purpose: Annotated[str, OneLine(120)] | None = Field(
        default=None,
        description="Your own words for its purpose. Words that sell, such as `telemarketing`, `marketing` or"
        " `spring_promo`, get the compliance rules of telemarketing.",
    )

    def to_draft(self) -> TextDraft:
        """Returns the text to send."""
        return (
            super().to_draft().model_copy(update={"scheduled_at": self.scheduled_at, "purpose": self.purpose or None})
        )


def _media(items: list[SmsMediaItem]) -> list[TextMedia]:
    return [TextMedia(url=item.url, content_type=item.content_type) for item in items]


class SmsConversationCreateInput(BaseModel):
    """A conversation to start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "twilio_number_id": "num_01kfe2v7g0hjkmnpqrstvwxyz0",
                    "contact_e164": "+14155550142",
                    "initial_message": {"body": "Hello Ada, this is Lakeside Clinic."},
                }
            ]
        }
    )

    twilio_number_id: Annotated[Id, Field(min_length=1)] = Field(description="The id of your number.")
    contact_e164: ContactNumber = Field(description="The contact's number.")
    flow_id: Id | None = Field(default=None, description="The flow that answers. Only for a new conversation.")
    assigned_user_id: Id | None = Field(default=None, description="The member to assign. Only for a new conversation.")
    initial_message: Omissible[SmsInitialMessage] = Field(
        default=None, description="A text to send now.", json_schema_extra=omit_default
    )

    def to_order(self) -> NewConversation:
        """Returns the conversation to create."""
        return NewConversation(self.twilio_number_id, self.contact_e164, self.flow_id, self.assigned_user_id)


class SmsConversationPatchInput(BaseModel):
    """The fields to change. A missing one stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"status": "snoozed", "snoozed_until": "2026-07-06T09:00:00Z"},
                {"metadata": {"ticket": "T-1042", "outcomes": None}},
            ]
        },
    )

    ai_paused: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Whether the AI does not answer.", json_schema_extra=omit_default
    )
    assigned_user_id: Id | None = Field(default=None, description="The member who has it. Null: nobody.")
    status: ConversationStatus = Field(
        default=ConversationStatus.OPEN,
        description="`snoozed` needs `snoozed_until`.",
        json_schema_extra=omit_default,
    )
    snoozed_until: Timestamp | None = Field(
        default=None, description="When a snoozed conversation opens again: within the next 90 days."
    )
    flow_id: Id | None = Field(default=None, description="The flow that answers. Null: the flow of the number.")
    metadata: Annotated[dict[str, Any], FreeJson(MAX_METADATA_BYTES)] = Field(
        default_factory=dict,
        description="A JSON Merge Patch (RFC 7396) of your own data: null deletes a key, and other keys stay. All"
        " metadata has at most 16 KB and eight levels.",
    )

    def sent_fields(self) -> dict[str, Any]:
        """Returns the fields that the request sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ConversationPageView(BaseModel):
    """A page of conversations."""

    conversations: list[ConversationView]
    next_cursor: str | None


class TextPageView(BaseModel):
    """A page of texts."""

    messages: list[TextView]
    next_cursor: str | None


class MessageRefusal(BaseModel):
    """Why a text was not accepted."""

    code: str
    message: str


class InitialMessageView(BaseModel):
    """The first text: queued, scheduled, or refused. The conversation exists in each case."""

    status: Literal["queued", "scheduled", "refused"]
    message: TextView | None
    scheduled_message: ScheduledMessageBrief | None
    warnings: list[WarningView] = Field(description=_WARNINGS)
    error: MessageRefusal | None


class StartedConversationView(ConversationView):
    """A conversation, with its first text if the request has one."""

    initial_message: InitialMessageView | None

    @classmethod
    def of_started(cls, started: StartedConversation) -> Self:
        """Returns HUM's view of a conversation and its first text."""
        return cls(**dict(ConversationView.of(started.row)), initial_message=_initial_message(started))


def _initial_message(started: StartedConversation) -> InitialMessageView | None:
    if started.refusal:
        error = MessageRefusal(code=started.refusal.code, message=started.refusal.message)
        return InitialMessageView(status="refused", message=None, scheduled_message=None, warnings=[], error=error)
    return InitialMessageView(**_sent_fields(started.sent), error=None) if started.sent else None


class SentMessageView(Ok):
    """The text was accepted. `scheduled_message` is null if it is sent now, and else `message` is null."""

    status: Literal["queued", "scheduled"]
    message: TextView | None
    scheduled_message: ScheduledMessageBrief | None
    warnings: list[WarningView] = Field(description=_WARNINGS)

    @classmethod
    def of(cls, sent: SentText) -> SentMessageView:
        """Returns HUM's view of an accepted text."""
        return cls(ok=True, **_sent_fields(sent))


def _sent_fields(sent: SentText) -> dict[str, Any]:
    return {
        "status": "scheduled" if sent.scheduled else "queued",
        "message": TextView.of(sent.message) if sent.message else None,
        "scheduled_message": ScheduledMessageBrief.of(sent.scheduled) if sent.scheduled else None,
        "warnings": WarningView.list_of(sent.warnings),
    }


class ConversationActor(BaseModel):
    """A member, with the name at that time, or a part of the platform."""

    id: str
    name: str | None


class ConversationActivityView(BaseModel):
    """A change of a conversation."""

    id: str
    kind: ActivityEntryKind
    actor: ConversationActor
    at: str
    before: str | None = Field(description="The value before: a member, a status, a flow, or `true` and `false`.")
    after: str | None = Field(description="The value after.")
    note: str | None = Field(description="More about it, such as the end of a snooze.")

    @classmethod
    def of(cls, entry: ActivityEntry) -> ConversationActivityView:
        """Returns HUM's view of an entry."""
        actor = ConversationActor(id=entry.actor, name=entry.actor_name)
        return cls(
            id=entry.id,
            kind=entry.kind,
            actor=actor,
            at=entry.at,
            before=entry.before,
            after=entry.after,
            note=entry.note,
        )


class ConversationActivityPage(BaseModel):
    """A page of a conversation's activity."""

    activity: list[ConversationActivityView]
    next_cursor: str | None
