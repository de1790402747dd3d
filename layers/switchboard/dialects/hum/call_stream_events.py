"""The events of a call's live stream and their data (docs/contracts/hum.md#the-live-stream)."""

from __future__ import annotations

from pydantic import BaseModel

from switchboard.calls.failures import describe_failure
from switchboard.calls.models import Call
from switchboard.dialects.hum.call_details import CallRecordView, CallSummaryView, CallToolView, CallTurnView
from switchboard.dialects.hum.call_views import STATUSES, CallStatus
from switchboard.streams import sse

#: The words of a stream's events.
SNAPSHOT, STATUS, ENDED = "snapshot", "status", "call.ended"
DELTA, FINAL = "transcript.delta", "transcript.final"
TOOL_STARTED, TOOL_COMPLETED, SUMMARY = "tool.started", "tool.completed", "summary.ready"


class SnapshotData(BaseModel):
    """The call so far."""

    call: CallRecordView


class StatusData(BaseModel):
    """A new status of the call, and its time."""

    call_id: str
    status: CallStatus
    at: str


class TurnData(BaseModel):
    """A turn of the talk, as understood so far or in its final form."""

    call_id: str
    turn: CallTurnView


class ToolData(BaseModel):
    """A use of a tool."""

    call_id: str
    tool: CallToolView


class SummaryData(BaseModel):
    """The summary of the talk, and the call's outcome."""

    call_id: str
    summary: CallSummaryView
    outcome: str | None


class EndData(BaseModel):
    """The end of the call. If the call was deleted, all fields but its id are null."""

    call_id: str
    status: CallStatus | None = None
    end_reason: str | None = None
    error_message: str | None = None
    declined: str | None = None
    after_hours: bool | None = None
    ended_at: str | None = None
    duration_sec: int | None = None
    outcome: str | None = None
    summary_tldr: str | None = None

    @classmethod
    def of(cls, call: Call) -> EndData:
        """Returns the end of a call that is over."""
        return cls(
            call_id=call.id,
            status=STATUSES[call.state],
            end_reason=call.end_reason.value if call.end_reason else None,
            error_message=describe_failure(call),
            declined=call.declined.value if call.declined else None,
            after_hours=call.after_hours,
            ended_at=call.ended_at,
            duration_sec=call.duration_seconds,
            outcome=call.outcome,
            summary_tldr=call.summary,
        )


#: The data of each event. The API document and docs/contracts/hum.md show this table.
DATA: dict[str, type[BaseModel]] = {
    SNAPSHOT: SnapshotData,
    STATUS: StatusData,
    DELTA: TurnData,
    FINAL: TurnData,
    TOOL_STARTED: ToolData,
    TOOL_COMPLETED: ToolData,
    SUMMARY: SummaryData,
    ENDED: EndData,
}


def render_event(place: int, name: str, data: BaseModel) -> bytes:
    """Returns an event of the stream. Raises TypeError for data of another event, which is a programming error."""
    if type(data) is not DATA[name]:
        raise TypeError(f"{name} has no {type(data).__name__}: see DATA")
    return sse.event_block(place, data.model_dump(mode="json"), name)
