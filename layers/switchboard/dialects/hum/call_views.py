"""HUM's view of a call in a list, and its words for the states of a call (docs/contracts/hum.md#calls)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from switchboard.call_records.models import CallRow
from switchboard.calls.failures import describe_failure
from switchboard.calls.models import Call, CallTag, Direction, State, WidgetVisit
from switchboard.errors import Invalid

CallDirection = Literal["inbound", "outbound"]
CallStatus = Literal["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"]
DIRECTIONS: dict[CallDirection, Direction] = {"inbound": "INBOUND", "outbound": "OUTBOUND"}

#: The words of Twilio for the states of a call. In ENDING the line is over.
STATUSES: dict[State, CallStatus] = {
    State.CREATED: "queued",
    State.DIALING: "queued",
    State.UNCONFIRMED: "queued",
    State.RINGING: "ringing",
    State.ACTIVE: "in-progress",
    State.HOLD: "in-progress",
    State.ENDING: "completed",
    State.COMPLETED: "completed",
    State.BUSY: "busy",
    State.NO_ANSWER: "no-answer",
    State.FAILED: "failed",
    State.CANCELED: "canceled",
}


def states_of_status(status: str | None) -> list[State]:
    """Returns the states with a status. All states have an empty status. Raises Invalid for an unknown word."""
    found = [state for state, word in STATUSES.items() if word == status]
    if status and not found:
        words = ", ".join(dict.fromkeys(STATUSES.values()))
        raise Invalid(f"Unknown status: send one of {words}.", fields={"status": f"must be one of {words}"})
    return found


class CallTagView(BaseModel):
    """A tag on a call."""

    name: str
    color: str | None = Field(description="The color of the tag, `#` and three to eight hexadecimal digits.")

    @classmethod
    def of(cls, tag: CallTag) -> CallTagView:
        """Returns HUM's view of a call's tag."""
        return cls(name=tag.name, color=tag.color)


class CallContact(BaseModel):
    """The contact of the other side's number."""

    id: str
    display_name: str | None


class WidgetVisitor(BaseModel):
    """The visitor of a page who talked by a widget."""

    session_id: str
    token_id: str = Field(description="The widget token of the page.")
    origin: str = Field(description="The origin of the page.")
    lead_id: str | None = Field(description="The lead: the answers of the visitor in the form of the widget.")
    name: str | None
    email: str | None
    phone: str | None = Field(description="In E.164. Nobody verified it.")

    @classmethod
    def of(cls, visit: WidgetVisit) -> WidgetVisitor:
        """Returns HUM's view of a call's visitor."""
        return cls(**visit.model_dump())


class CallSummaryRow(BaseModel):
    """A call in a list."""

    id: str
    provider_call_sid: str | None
    direction: CallDirection
    status: CallStatus
    from_e164: str
    to_e164: str
    contact: CallContact | None
    flow_id: str | None
    flow_name: str | None
    number_id: str | None
    widget: WidgetVisitor | None = Field(
        description="The visitor, if the call came from a widget. `from_e164` is then `web`."
    )
    started_at: str | None
    answered_at: str | None
    ended_at: str | None
    duration_sec: int | None
    answered_by: str | None
    message_left_at: str | None = Field(
        description="When the message of the flow was left at the machine that answered our call."
    )
    end_reason: str | None
    error_message: str | None = Field(
        description="Why the call failed, in a sentence. Null if it did not fail, or is not over."
    )
    declined: str | None = Field(
        description="Why the caller talked to nobody: `no_flow`, `suspended`, `busy`, `spending_cap` or `unavailable`."
    )
    after_hours: bool = Field(description="Whether the call came outside of the business hours of its flow.")
    has_recording: bool
    has_voicemail: bool
    summary_tldr: str | None
    outcome: str | None = Field(
        description="The text `outcome` of a valid `outcome_data`. Otherwise the voice provider's word for the talk,"
        " such as `success`, or null."
    )
    is_test: bool = Field(description="Whether a member tried out a flow with the call. Analytics leave it out.")
    simulated: bool = Field(description="Whether the call reached nobody, and cost nothing.")
    tags: list[CallTagView]
    is_read: bool = Field(description="Whether you have read the call.")
    created_at: str

    @classmethod
    def of(cls, row: CallRow) -> CallSummaryRow:
        """Returns HUM's view of a call in a list."""
        return cls(**row_fields(row))


def row_fields(row: CallRow) -> dict[str, object]:
    """Returns the fields of a call in a list."""
    call, contact = row.call, row.contact
    return {
        "id": call.id,
        "provider_call_sid": call.provider_call_id,
        "direction": call.direction.lower(),
        "status": STATUSES[call.state],
        "from_e164": call.from_number,
        "to_e164": call.to_number,
        "contact": {"id": contact.id, "display_name": contact.display_name} if contact else None,
        "flow_id": call.flow_id,
        "flow_name": row.flow_name,
        "number_id": call.number_id,
        "widget": WidgetVisitor.of(call.widget).model_dump() if call.widget else None,
        "started_at": call.started_at,
        "answered_at": call.connected_at,
        "ended_at": call.ended_at,
        "duration_sec": call.duration_seconds,
        "answered_by": call.answered_by,
        "message_left_at": call.message_left_at,
        "end_reason": call.end_reason.value if call.end_reason else None,
        "error_message": describe_failure(call),
        "declined": call.declined.value if call.declined else None,
        "after_hours": call.after_hours,
        "has_recording": has_recording(call),
        "has_voicemail": call.has_voicemail,
        "summary_tldr": call.summary,
        "outcome": call.outcome,
        "is_test": call.is_test,
        "simulated": call.simulated,
        "tags": [CallTagView.of(tag).model_dump() for tag in call.tags],
        "is_read": row.is_read,
        "created_at": call.created_at,
    }


def has_recording(call: Call) -> bool:
    """Whether a call was recorded. The recording may not be stored here yet."""
    return any(not recording.voicemail for recording in call.recordings)
