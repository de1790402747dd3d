"""HUM's requests for calls, and the answer that a call is placed (docs/contracts/hum.md#calls-out)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.calls.models import Call
from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import Pattern

_GATE_REFUSED = (
    "`insufficient_role`. `destination_not_allowed`: a premium-rate, shared-cost, personal or satellite number. The"
    " compliance rules do not allow the call: `dnc`, `opted_out`, `national_dnc`, `national_dnc_unknown`,"
    " `consent_invalid`, `consent_insufficient`, `consent_expired`, `number_reassigned`, `reassigned_unknown`,"
    " `quiet_hours`, `zone_unknown`, `attempt_cap`. `details` has the rule as `gate`, and `next_allowed_at` where a"
    " later call is allowed."
)
CALL_REFUSED = f"{_GATE_REFUSED} `force_not_allowed`: only admins may force a call."
TEST_CALL_REFUSED = (
    f"{_GATE_REFUSED} A simulated call is not bound to calling hours. The do-not-call list and opt-outs always apply,"
    " and magic numbers do as they say."
)
_ALWAYS_INVALID = (
    "`invalid_number`: no telephone number, or one of the organization itself. `invalid_task_context`. `no_caller_id`:"
    " neither the flow nor the organization has a number to show."
)
CALL_INVALID = (
    f"{_ALWAYS_INVALID} `invalid_caller_id`, `flow_not_outbound`. `duplicate_call`: the flow has just"
    " called the number."
)
TEST_CALL_INVALID = f"{_ALWAYS_INVALID} A simulated call needs none, and may call a number of the organization."
_E164 = Pattern(r"^\+[1-9]\d{7,14}$", "must be a number in E.164, such as +14155550142")


_FACTS = (
    "Facts for the agent about this call, at most 8,000 characters, 200 values and 8 levels. Texts, numbers and truth"
    " values also replace `{{key}}` in the flow's greeting and prompt. No key begins with `system__` or `secret__`."
)
_Force = Annotated[
    bool,
    Field(
        strict=True,
        description="For admins: call outside of the organization's own calling hours, or again within five minutes."
        " The law, the do-not-call list and opt-outs still apply.",
    ),
]


class OutboundCallInput(BaseModel):
    """A call to place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "flow_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
                    "to": "+14155550142",
                    "task_context": {"name": "Ada", "appointment": "Monday at 10:30"},
                }
            ]
        }
    )

    flow_id: Annotated[str, Field(min_length=1, max_length=64, description="An outbound flow.")]
    to: Annotated[str, _E164, Field(description="The number to call.")]
    task_context: dict[str, Any] = Field(
        default_factory=dict,
        description=f"{_FACTS} A name without a value in what the person hears refuses the call.",
    )
    caller_id_number_id: Annotated[str, Field(max_length=64)] | None = Field(
        default=None,
        description="The number to show, one of `/api/numbers`. Without it: the flow's number, else the"
        " organization's.",
    )
    force: _Force = False


class TestCallInput(BaseModel):
    """A call that tries a flow out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": "+14155550142", "simulated": True}]})

    to: Annotated[str, _E164, Field(description="The number to call.")]
    simulated: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Let the simulator take the call, although a carrier is configured."
    )
    task_context: dict[str, Any] = Field(default_factory=dict, description=f"{_FACTS} A name without a value stays.")
    force: _Force = False


class CallPlaced(Ok):
    """The call is accepted, and dialed in a moment."""

    call_id: str
    call_sid: str | None = Field(description="The provider's id. It is known when the call is dialed: get the call.")
    status: Literal["queued"]

    @classmethod
    def of(cls, call: Call) -> CallPlaced:
        """Returns HUM's answer to a placed call. A repeated request gets the same answer."""
        return cls(ok=True, call_id=call.id, call_sid=None, status="queued")
