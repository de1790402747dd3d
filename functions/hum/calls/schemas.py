"""Request and response models of HUM's calls, tags and notes (docs/contracts/hum.md#calls)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from switchboard.call_records.models import CallRecord
from switchboard.calls import notes
from switchboard.calls.models import AGENT_SPEAKER
from switchboard.calls.tags import TagUse
from switchboard.carriers.voice.ports.reports import ToolUse, Turn
from switchboard.dialects.hum.call_views import CallSummaryRow, CallTagView, row_fields
from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import OneLine, Pattern
from switchboard.kit import clock
from switchboard.kit.text import require_text


class ReadState(BaseModel):
    """Your read state of a call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_read": True}]})

    is_read: Annotated[bool, Field(strict=True)]


class TagInput(BaseModel):
    """A tag to put on a call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Callback", "color": "#2563eb"}]})

    name: Annotated[str, OneLine(60, least=1)]
    color: (
        Annotated[str, Pattern("^#[0-9a-fA-F]{3,8}$", "must be # and 3 to 8 hexadecimal digits, such as #2563eb")]
        | None
    ) = Field(default=None, description="Without it, a new tag gets the last color of its name.")


class NoteInput(BaseModel):
    """A note to add to a call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": "Promised to call back on Monday."}]})

    body: Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(require_text)]


class CallList(BaseModel):
    """A page of calls."""

    calls: list[CallSummaryRow]
    next_cursor: str | None


class MarkedRead(Ok):
    """All calls are read."""

    marked: int = Field(description="The number of calls that were unread.")


class UnreadCounts(BaseModel):
    """The numbers of calls and voicemails that you have not read, each at most 100."""

    calls: int = Field(ge=0, le=100)
    voicemails: int = Field(ge=0, le=100)


class TagUseView(BaseModel):
    """A distinct tag of the organization."""

    name: str = Field(description="The first spelling of the tag.")
    color: str | None = Field(description="The last color of the tag.")
    count: int = Field(description="The number of calls with the tag.")

    @classmethod
    def of(cls, tag: TagUse) -> TagUseView:
        """Returns HUM's view of a distinct tag."""
        return cls(name=tag.name, color=tag.color, count=tag.calls)


class TagList(BaseModel):
    """The distinct tags of the organization, by name."""

    tags: list[TagUseView]


class CallTagList(BaseModel):
    """The tags of a call."""

    tags: list[CallTagView]


class CallTagged(Ok):
    """The call has the tag."""

    tags: list[CallTagView] = Field(description="All tags of the call.")


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


class NoteList(BaseModel):
    """The notes of a call, the oldest first."""

    notes: list[NoteView]


class NoteCreated(Ok):
    """The call has the note."""

    note: NoteView


class TranscriptTurn(BaseModel):
    """A turn of the talk. The times are milliseconds after the answer."""

    id: str
    role: Literal["agent", "caller", "system"]
    text: str
    started_at_ms: int
    ended_at_ms: int

    @classmethod
    def of(cls, turn: Turn) -> TranscriptTurn:
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


class CallViewerView(BaseModel):
    """A member who opened the call."""

    user_id: str
    name: str
    viewed_at: str


class CallDetail(CallSummaryRow):
    """The whole record of a call."""

    transcript: list[TranscriptTurn]
    tools: list[CallToolView]
    summary: CallSummaryView | None
    outcome_data: dict[str, Any]
    recording_url: str | None = Field(description="A signed link to the recording. Get the call again for a new link.")
    recording_expires_at: str | None = Field(description="The time at which the link expires.")
    notes: list[NoteView]
    viewers: list[CallViewerView] = Field(
        description="The latest views, newest first. Views of one member within five minutes are one."
    )
    cost_cents: float

    @classmethod
    def of_record(cls, record: CallRecord) -> CallDetail:
        """Returns HUM's view of the record of a call."""
        call, link = record.row.call, record.recording
        begun = call.answered_at or call.started_at or call.created_at
        return cls.model_validate(
            {
                **row_fields(record.row),
                "transcript": [TranscriptTurn.of(turn).model_dump() for turn in record.turns],
                "tools": [CallToolView.of(tool, begun).model_dump() for tool in record.tools],
                "summary": record.summary._asdict() if record.summary else None,
                "outcome_data": record.outcome_data,
                "recording_url": link.url if link else None,
                "recording_expires_at": link.expires_at if link else None,
                "notes": [NoteView.of(note).model_dump() for note in record.notes],
                "viewers": [view.model_dump() for view in record.views],
                "cost_cents": call.cost_micros / 10_000,
            }
        )
