"""HUM's view of a voicemail (docs/contracts/hum.md#voicemails)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from switchboard.calls.summarizers.models import Sentiment
from switchboard.dialects.hum.call_views import CallContact
from switchboard.voicemails.audio_links import audio_link
from switchboard.voicemails.digesters.models import Urgency
from switchboard.voicemails.models import (
    ActionKind,
    ActivityKind,
    Voicemail,
    VoicemailActivity,
    VoicemailDigest,
)
from switchboard.voicemails.service import VoicemailRecord, VoicemailRow


class VoicemailMember(BaseModel):
    """A member, with the name at that time."""

    id: str
    name: str


class VoicemailActionView(BaseModel):
    """An action on a voicemail."""

    kind: ActionKind
    by: VoicemailMember
    at: str
    note: str | None


class VoicemailViewerView(BaseModel):
    """A member who opened the voicemail, and the time of the latest view."""

    user_id: str
    name: str
    viewed_at: str


class ActionDetail(BaseModel):
    """The details of an action in the timeline."""

    kind: ActionKind
    note: str | None


class TimelineEntry(BaseModel):
    """An entry of a voicemail's timeline."""

    id: str
    kind: ActivityKind
    actor: VoicemailMember
    at: str
    detail: ActionDetail | None = Field(description="Only an action has details.")

    @classmethod
    def of(cls, entry: VoicemailActivity) -> TimelineEntry:
        """Returns HUM's view of an entry."""
        detail = ActionDetail(kind=entry.action, note=entry.note) if entry.action else None
        return cls(id=entry.id, kind=entry.kind, actor=_actor(entry), at=entry.at, detail=detail)


class VoicemailAiSummary(BaseModel):
    """The digest of the transcript by a language model.

    If `generated_at` is null and `error` is set, the last attempt failed. Ask for another one then.
    """

    tldr: str
    sentiment: Sentiment | None
    urgency: Urgency | None
    intended_recipient: str | None
    caller_name: str | None
    callback_number_e164: str | None
    categories: list[str]
    entities: list[str]
    action_items: list[str]
    language: str | None
    model: str | None = Field(description="The language model that wrote the digest.")
    prompt_version: int | None
    generated_at: str | None = Field(json_schema_extra={"format": "date-time"})
    error: str | None = Field(description="Why the last attempt failed.")
    attempt_count: int

    @classmethod
    def of(cls, digest: VoicemailDigest) -> VoicemailAiSummary:
        """Returns HUM's view of a digest."""
        return cls(**digest.model_dump())


class VoicemailRowView(BaseModel):
    """A voicemail in a list."""

    id: str
    call_id: str
    number_id: str | None
    flow_id: str | None
    from_e164: str = Field(description="The caller's number, or a word such as `anonymous`.")
    contact: CallContact | None
    duration_sec: int
    transcript: str | None
    is_test: bool = Field(description="Whether a member tried out a flow with the call.")
    simulated: bool = Field(description="Whether the call reached nobody, and cost nothing.")
    media_url: str = Field(description="A signed link to the audio. Get the voicemail again for a new link.")
    media_expires_at: str = Field(description="The time at which the link expires.")
    is_heard: bool = Field(description="The organization's state.")
    is_read: bool = Field(description="Whether you have read the voicemail.")
    ai_summary: VoicemailAiSummary | None
    viewers: list[VoicemailViewerView] = Field(description="The latest ten viewers, the newest first.")
    last_action: VoicemailActionView | None
    created_at: str

    @classmethod
    def of(cls, row: VoicemailRow) -> VoicemailRowView:
        """Returns HUM's view of a voicemail in a list."""
        return cls.model_validate(row_fields(row))


class VoicemailView(VoicemailRowView):
    """A voicemail with its timeline."""

    timeline: list[TimelineEntry] = Field(description="The newest first, at most 100.")
    timeline_next_cursor: str | None = Field(description="The cursor of the older entries. Send it as `cursor`.")

    @classmethod
    def of_record(cls, record: VoicemailRecord) -> VoicemailView:
        """Returns HUM's view of a voicemail with its timeline."""
        timeline = [TimelineEntry.of(entry).model_dump() for entry in record.timeline]
        return cls.model_validate(
            {**row_fields(record.row), "timeline": timeline, "timeline_next_cursor": record.cursor}
        )


def row_fields(row: VoicemailRow) -> dict[str, Any]:
    """Returns the fields of a voicemail in a list."""
    contact, link = row.contact, audio_link(row.voicemail)
    return {
        **shared_fields(row.voicemail),
        "contact": {"id": contact.id, "display_name": contact.display_name} if contact else None,
        "media_url": link.url,
        "media_expires_at": link.expires_at,
        "is_read": row.is_read,
    }


def shared_fields(voicemail: Voicemail) -> dict[str, Any]:
    """Returns the fields of a voicemail that are the same for every reader, at any time."""
    action, digest = voicemail.last_action, voicemail.ai_summary
    return {
        "id": voicemail.id,
        "call_id": voicemail.call_id,
        "number_id": voicemail.number_id,
        "flow_id": voicemail.flow_id,
        "from_e164": voicemail.from_e164,
        "duration_sec": voicemail.duration_seconds,
        "transcript": voicemail.transcript,
        "is_test": voicemail.is_test,
        "simulated": voicemail.simulated,
        "is_heard": voicemail.is_heard,
        "ai_summary": VoicemailAiSummary.of(digest).model_dump() if digest else None,
        "viewers": [viewer.model_dump() for viewer in voicemail.viewers],
        "last_action": _action_fields(action) if action else None,
        "created_at": voicemail.created_at,
    }


def _action_fields(entry: VoicemailActivity) -> dict[str, Any]:
    return {
        "kind": entry.action.value if entry.action else None,
        "by": _actor(entry).model_dump(),
        "at": entry.at,
        "note": entry.note,
    }


def _actor(entry: VoicemailActivity) -> VoicemailMember:
    return VoicemailMember(id=entry.actor_id, name=entry.actor_name)
