"""Request and response models of OptiComm's actions (docs/contracts/opticomm.md#status)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from switchboard.calls import failures, models
from switchboard.calls.initiation import CallRequest
from switchboard.dialects.opticomm import dispositions
from switchboard.dialects.opticomm.dialect import MAX_REQUEST_ID_CHARACTERS
from switchboard.edge.fields import E164_PATTERN, FreeJson, OneLine

_MAX_VARIABLES_BYTES = 16_384
_RequestId = Annotated[str, Field(min_length=1, max_length=MAX_REQUEST_ID_CHARACTERS)]


class InitiateCallRequest(BaseModel):
    """A call to place."""

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

    action: Literal["initiate_call"] = Field(description="The operation.")
    agent_id: str = Field(
        min_length=1,
        description="The calling agent: the UUID of one of your outbound flows, or its ElevenLabs id, `agent_…`.",
    )
    # OpenAPI shows the pattern, but this model does not check it: a wrong number has its own error, after the limits.
    phone_number: str = Field(
        min_length=1,
        description="The number to call, in E.164 format. A number that matches the pattern but cannot exist also fails"
        " with `INVALID_PHONE_FORMAT`, for example if it has too many digits for its country.",
        json_schema_extra={"pattern": E164_PATTERN},
    )
    variables: Annotated[dict[str, str], FreeJson(_MAX_VARIABLES_BYTES)] | None = Field(
        default=None,
        description="Values for the agent. Each one replaces `{{its name}}` in the prompt and in the greeting.",
    )
    first_message_override: str | None = Field(
        default=None,
        max_length=2_000,
        description="The agent's first words in this call, instead of its greeting. If the law requires it and the"
        " message does not begin with them, the caller's name and a notice of the artificial voice are said first. A"
        " call of a telemarketing flow also explains how to opt out.",
    )
    request_id: _RequestId | None = Field(
        default=None,
        description="Your own id for this request. If an earlier request used it, the response is the call that the"
        " earlier request started; the other fields are ignored.",
    )
    webhook_url: Annotated[str, Field(json_schema_extra={"format": "uri"})] | None = Field(
        default=None,
        description="An https URL. It receives a POST when the call is initiated, and when it completes or fails.",
    )
    # These fields extend the contract, which allows more fields. Their names do not collide with the variables' names.
    time_zone: Annotated[str, OneLine(64)] | None = Field(
        default=None,
        description="The called person's IANA time zone. It narrows the calling hours of the number's possible zones. A"
        " number without a location, such as a toll-free number, needs it. Test keys may call at any hour, so a missing"
        " or wrong `time_zone` or `recipient_state` fails only with a live key.",
    )
    recipient_state: Annotated[str, OneLine(2)] | None = Field(
        default=None, description="The US state where the called person lives. Its law applies too."
    )

    def to_call_request(self) -> CallRequest:
        """Returns the domain's request for this call."""
        return CallRequest(
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
    """A request for the status of a call. `call_id` or `request_id` names the call; `call_id` has priority."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"action": "check_status", "request_id": "order-1815"}]})

    action: Literal["check_status"] = Field(description="The operation.")
    call_id: str | None = Field(default=None, description="The `call_id` from the response to `initiate_call`.")
    request_id: str | None = Field(default=None, description="The `request_id` from the request to `initiate_call`.")


class ActionRequest(RootModel[InitiateCallRequest | CheckStatusRequest]):
    """One of the actions."""

    root: Annotated[InitiateCallRequest | CheckStatusRequest, Field(discriminator="action")]


class InitiateCallResponse(BaseModel):
    """A call that was accepted, now or by an earlier request with the same `request_id`."""

    success: Literal[True] = True
    call_id: str = Field(description="The id of the call.")
    conversation_id: str = Field(description="The id of the call's conversation.")
    status: Literal["initiated"] = "initiated"
    message: str = Field(description="The status in words.")
    duplicate: bool = Field(description="Whether an earlier request with this `request_id` started the call.")

    @classmethod
    def of(cls, call: models.Call, *, duplicate: bool) -> InitiateCallResponse:
        """Returns the response to `initiate_call`."""
        return cls(
            call_id=call.id,
            conversation_id=call.conversation_id or "",
            message="The call was accepted.",
            duplicate=duplicate,
        )


class CheckStatusResponse(BaseModel):
    """The current state of a call."""

    success: Literal[True] = True
    call_id: str
    conversation_id: str
    status: dispositions.Status = Field(
        description="`pending` until the carrier has the call, `calling` while it rings and during the talk, then"
        " `completed` or `failed`. For 48 hours a late report of the carrier may change `failed` to `completed`. This"
        " change sends no callback: check the status again."
    )
    duration_seconds: float | None = Field(description="The duration of the talk. It is null until the call ends.")
    outcome: str | None = Field(
        description="The outcome. After a talk: `success`, `failure` or `unknown`. Without a talk: `voicemail`, `busy`,"
        " `no_answer`, `canceled` or `failed`."
    )
    error_message: str | None = Field(description="The reason, if the call failed.")
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    completed_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = Field(
        description="The end of the call. It is null until then."
    )

    @classmethod
    def of(cls, call: models.Call) -> CheckStatusResponse:
        """Returns the response to `check_status`."""
        return cls(
            call_id=call.id,
            conversation_id=call.conversation_id or "",
            status=dispositions.status_of(call),
            duration_seconds=call.duration_seconds,
            outcome=dispositions.outcome_of(call),
            error_message=failures.describe_failure(call),
            created_at=call.created_at,
            completed_at=call.ended_at,
        )


def _exactly_one(schema: dict[str, Any]) -> None:
    schema["oneOf"] = schema.pop("anyOf")


class ActionResponse(RootModel[InitiateCallResponse | CheckStatusResponse]):
    """The response to the requested action."""

    model_config = ConfigDict(json_schema_extra=_exactly_one)
