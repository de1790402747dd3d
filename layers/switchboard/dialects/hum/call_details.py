"""HUM's view of the whole record of a call (docs/contracts/hum.md#calls)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from switchboard.call_records.models import CallRecord
from switchboard.calls import notes
from switchboard.calls.models import AGENT_SPEAKER
from switchboard.calls.summaries import CallSummary
from switchboard.carriers.voice.ports.reports import ToolUse, Turn
from switchboard.dialects.hum.call_views import CallSummaryRow, row_fields
from switchboard.kit import clock
from switchboard.usage.models import MICROS_PER_CENT


class NoteAuthor(BaseModel):
    """The author of a note."""

    id: str
    name: str


class NoteView(BaseModel):
    """A note on a call."""

    id: str
    call_id: str
    body: str
    author: NoteAuthor
    created_at: str

    @classmethod
    def of(cls, note: notes.CallNote) -> NoteView:
        """Returns HUM's view of a note."""
        author = NoteAuthor(id=note.author_id, name=note.author_name)
        return cls(id=note.id, call_id=note.call_id, body=note.body, author=author, created_at=note.created_at)


class CallTurnView(BaseModel):
    """A turn of the talk. The times are milliseconds after the answer."""

    id: str
    role: Literal["agent", "caller", "system"]
    text: str
    started_at_ms: int
    ended_at_ms: int

    @classmethod
    def of(cls, turn: Turn) -> CallTurnView:
        """Returns HUM's view of a turn. All speakers but the agent and the system are the other side."""
        role = turn.speaker if turn.speaker in (AGENT_SPEAKER, "system") else "caller"
        return cls.model_validate(
            {
                "id": f"turn_{turn.number}",
                "role": role,
                "text": turn.text,
                "started_at_ms": turn.start_ms,
                "ended_at_ms": turn.end_ms,
            }
        )


class CallToolView(BaseModel):
    """A use of a tool during the call."""

    id: str
    name: str
    arguments: dict[str, Any]
    result: str | None
    status: str
    started_at: str
    duration_ms: int | None

    @classmethod
    def of(cls, tool: ToolUse, answered_at: str) -> CallToolView:
        """Returns HUM's view of a tool use. Its time counts from the answer."""
        moment = clock.parse(answered_at).timestamp() + tool.start_ms / 1000
        started_at = clock.format_iso(clock.from_epoch(moment))
        return cls(**tool.model_dump(exclude={"start_ms"}), started_at=started_at)


class CallSummaryView(BaseModel):
    """The summary of the talk."""

    tldr: str | None
    key_points: list[str]
    next_actions: list[str]
    sentiment: str | None


def outcome_fields(summary: CallSummary | None) -> dict[str, Any]:
    """Returns the fields of a call's outcome by the schema of its flow."""
    return {
        "outcome_data": (summary.outcome_data if summary else None) or {},
        "outcome_valid": summary.outcome_valid if summary else None,
        "outcome_errors": summary.outcome_errors if summary else [],
    }


class CallViewerView(BaseModel):
    """A member who opened the call."""

    user_id: str
    name: str
    viewed_at: str


class CallRecordView(CallSummaryRow):
    """The whole record of a call."""

    transcript: list[CallTurnView]
    tools: list[CallToolView]
    summary: CallSummaryView | None
    outcome_data: dict[str, Any] = Field(description="The outcome by the schema of the call's flow.")
    outcome_valid: bool | None = Field(
        description="Whether the outcome fits the schema. Null without a schema, and if the other party said nothing."
    )
    outcome_errors: list[str] = Field(description="Why the outcome does not fit the schema.")
    recording_url: str | None = Field(
        description="A signed link to the recording. A message that the caller left is not in it: it is a voicemail. "
        "Get the call again for a new link."
    )
    recording_expires_at: str | None = Field(description="The time at which the link expires.")
    notes: list[NoteView]
    viewers: list[CallViewerView] = Field(
        description="The latest views, newest first. Views of one member within five minutes are one."
    )
    cost_cents: float

    @classmethod
    def of_record(cls, record: CallRecord) -> CallRecordView:
        """Returns HUM's view of the record of a call."""
        call, link = record.row.call, record.recording
        begun = call.answered_at or call.started_at or call.created_at
        return cls.model_validate(
            {
                **row_fields(record.row),
                "transcript": [CallTurnView.of(turn).model_dump() for turn in record.turns],
                "tools": [CallToolView.of(tool, begun).model_dump() for tool in record.tools],
                "summary": record.summary._asdict() if record.summary else None,
                **outcome_fields(record.stored),
                "recording_url": link.url if link else None,
                "recording_expires_at": link.expires_at if link else None,
                "notes": [NoteView.of(note).model_dump() for note in record.notes],
                "viewers": [view.model_dump() for view in record.views],
                "cost_cents": call.cost_micros / MICROS_PER_CENT,
            }
        )
