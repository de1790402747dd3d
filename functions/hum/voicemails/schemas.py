"""Request and response models of HUM's voicemails (docs/contracts/hum.md#voicemails)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from switchboard.dialects.hum.shapes import Ok
from switchboard.dialects.hum.voicemail_views import VoicemailRowView
from switchboard.edge.fields import Flag, Omissible
from switchboard.kit.texts import require_text
from switchboard.voicemails.models import ActionKind


def _note(text: str) -> str:
    return require_text(text) if text.strip() else ""


class VoicemailChanges(BaseModel):
    """The states to change. A missing one stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_heard": True}, {"is_read": False}]})

    is_heard: Omissible[Flag] = Field(default=None, description="The organization's state. It is in the timeline.")
    is_read: Omissible[Flag] = Field(default=None, description="Your own state. It is not in the timeline.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.is_heard is None and self.is_read is None:
            raise ValueError("send is_heard, is_read or both")
        return self


class VoicemailActionInput(BaseModel):
    """An action that you took on a voicemail."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "returned_call", "note": "Moved the appointment to Monday."}]}
    )

    kind: ActionKind = Field(description="The action. It is recorded, and nothing else happens.")
    note: Omissible[Annotated[str, Field(max_length=2000), AfterValidator(_note)]] = Field(
        default=None, description="Your words about it, for the timeline."
    )
    mark_heard: Flag = Field(default=True, description="Whether the action also marks the voicemail as heard.")


class VoicemailPageView(BaseModel):
    """A page of voicemails."""

    voicemails: list[VoicemailRowView]
    next_cursor: str | None


class VoicemailsMarkedRead(Ok):
    """All voicemails are read."""

    marked: int = Field(description="The number of voicemails that were unread.")


class SummaryQueued(Ok):
    """The digest is queued."""

    queued: Literal[True]
