"""Actions and their answers, as OptiComm's clients see them (docs/contracts/opticomm.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from switchboard.calls import dispositions, models
from switchboard.calls.initiation import Wanted
from switchboard.edge.dialects.opticomm import LONGEST_ID
from switchboard.edge.fields import E164_PATTERN, FreeJson, Line

_LONGEST_VARIABLES = 16_384
_RequestId = Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]


class InitiateCallRequest(BaseModel):
    """A call that an agent is to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": "initiate_call",
                    "agent_id": "019bc1ab-6d80-7c1e-9c2f-4f0a6d3b8e51",
                    "phone_number": "+14155550142",
                    "variables": {"customer_name": "Ada", "order_id": "1815"},
                    "request_id": "order-1815",
                }
            ]
        }
    )

    action: Literal["initiate_call"] = Field(description="What is asked for.")
    agent_id: str = Field(
        min_length=1,
        description="Who calls: the UUID of one of your outbound flows, or ElevenLabs' `agent_…` id of it.",
    )
    # Its pattern is told and not checked here: a number that is none has a refusal of its own, behind the limits.
    phone_number: str = Field(
        min_length=1,
        description="The number to call, in E.164. One that has the pattern and that no network could route, such as"
        " one with too many digits for its country, is refused as INVALID_PHONE_FORMAT, too.",
        json_schema_extra={"pattern": E164_PATTERN},
    )
    variables: Annotated[dict[str, str], FreeJson(_LONGEST_VARIABLES)] | None = Field(
        default=None,
        description="What the agent may speak of. Each stands for `{{its name}}` in the prompt and the greeting.",
    )
    first_message_override: str | None = Field(
        default=None,
        max_length=2_000,
        description="What the agent says first in this call, in place of its greeting. Who calls, and that the voice is"
        " artificial, is said before it where the law asks for it and the message does not begin with both. A call of a"
        " telemarketing flow says besides how to get no more calls.",
    )
    request_id: _RequestId | None = Field(
        default=None,
        description="Your own name for this request. One that was used before gets the call that it started then,"
        " whatever the other fields say.",
    )
    webhook_url: Annotated[str, Field(json_schema_extra={"format": "uri"})] | None = Field(
        default=None,
        description="An https URL that is told when the call was initiated, and when it completed or failed.",
    )
    # Beside the contract, which lets a request have more fields. Variables are the agent's, whatever their names.
    time_zone: Annotated[str, Line(64)] | None = Field(
        default=None,
        description="The called person's IANA time zone. It narrows the hours of the number's zones; a number of no"
        " place, such as a toll-free one, needs it. With a test key any hour will do, so that a missing or wrong"
        " `time_zone` or `recipient_state` shows only with a live key.",
    )
    recipient_state: Annotated[str, Line(2)] | None = Field(
        default=None, description="The state of the United States where the called person lives: its law holds too."
    )

    def wanted(self) -> Wanted:
        """The call in the domain's terms."""
        return Wanted(
            agent=self.agent_id,
            to=self.phone_number,
            variables=self.variables or {},
            first_message=self.first_message_override or None,
            request_id=self.request_id,
            callback_url=self.webhook_url,
            time_zone=self.time_zone,
            recipient_state=self.recipient_state,
        )


class CheckStatusRequest(BaseModel):
    """A question about a call: `call_id` or `request_id` names it; if both are there, the call's own id counts."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"action": "check_status", "request_id": "order-1815"}]})

    action: Literal["check_status"] = Field(description="What is asked for.")
    call_id: str | None = Field(default=None, description="The `call_id` that the call was answered with.")
    request_id: str | None = Field(default=None, description="The `request_id` that the call was asked for with.")


class ActionRequest(RootModel[InitiateCallRequest | CheckStatusRequest]):
    """One of the actions."""

    root: Annotated[InitiateCallRequest | CheckStatusRequest, Field(discriminator="action")]


class InitiateCallResponse(BaseModel):
    """A call that was accepted for dialling, now or by an earlier request with the same `request_id`."""

    success: Literal[True] = True
    call_id: str = Field(description="Names the call.")
    conversation_id: str = Field(description="Names the conversation that the call is to become.")
    status: Literal["initiated"] = "initiated"
    message: str = Field(description="The same in words.")
    duplicate: bool = Field(description="Whether an earlier request with this `request_id` started the call.")

    @classmethod
    def of(cls, call: models.Call, *, duplicate: bool) -> InitiateCallResponse:
        """The answer to an initiation."""
        return cls(
            call_id=call.id,
            conversation_id=call.conversation_id or "",
            message="The call was accepted.",
            duplicate=duplicate,
        )


class CheckStatusResponse(BaseModel):
    """A call, as it stands."""

    success: Literal[True] = True
    call_id: str
    conversation_id: str
    status: dispositions.Status = Field(
        description="`pending` until the carrier has the call, `calling` while it rings and talks, then how it ended."
        " For 48 hours a late report may still turn `failed` into `completed`, above all where the carrier had not told"
        " the end. No callback tells of that: ask again."
    )
    duration_seconds: float | None = Field(description="How long was talked, once it is over.")
    outcome: str | None = Field(
        description="What came of it: `success`, `failure` or `unknown` of a talk, `voicemail`, or what kept it from"
        " one: `busy`, `no_answer`, `canceled`, `failed`."
    )
    error_message: str | None = Field(description="Why it failed, if it did.")
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    completed_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = Field(
        description="When it ended, one way or another."
    )

    @classmethod
    def of(cls, call: models.Call) -> CheckStatusResponse:
        """The answer to a question about a call."""
        return cls(
            call_id=call.id,
            conversation_id=call.conversation_id or "",
            status=dispositions.status_of(call),
            duration_seconds=call.duration_seconds,
            outcome=dispositions.outcome_of(call),
            error_message=dispositions.error_of(call),
            created_at=call.created_at,
            completed_at=call.ended_at,
        )


def _exactly_one(schema: dict[str, Any]) -> None:
    schema["oneOf"] = schema.pop("anyOf")


class ActionResponse(RootModel[InitiateCallResponse | CheckStatusResponse]):
    """The answer to the action that was asked for."""

    model_config = ConfigDict(json_schema_extra=_exactly_one)
