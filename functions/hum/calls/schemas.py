"""Request and response models of HUM's calls, tags and notes (docs/contracts/hum.md#calls)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from switchboard.calls.tags import TagUse
from switchboard.dialects.hum.call_details import NoteView
from switchboard.dialects.hum.call_views import CallSummaryRow, CallTagView
from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import OneLine, Pattern
from switchboard.kit.texts import require_text


class CallReadState(BaseModel):
    """Your read state of a call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_read": True}]})

    is_read: Annotated[bool, Field(strict=True, description="Whether you have read the call.")]


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

    body: Annotated[
        str, Field(min_length=1, max_length=4000, description="The text of the note."), AfterValidator(require_text)
    ]


class CallPageView(BaseModel):
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


class TaggedCallView(Ok):
    """The call has the tag."""

    tags: list[CallTagView] = Field(description="All tags of the call.")


class NoteList(BaseModel):
    """The notes of a call, the oldest first."""

    notes: list[NoteView]


class NoteCreated(Ok):
    """The call has the note."""

    note: NoteView
