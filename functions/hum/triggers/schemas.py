"""Request and response models of HUM's triggers (docs/contracts/hum.md#triggers)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.edge.fields import Omissible, OneLine
from switchboard.triggers import addresses
from switchboard.triggers.models import Channel, Firing, FiringWithBody, FlowStart
from switchboard.triggers.service import TriggerWithTally, TriggerWithToken

_Name = Annotated[str, OneLine(120, least=1)]
_Active = Annotated[bool, Field(strict=True)]


class InboundTriggerInput(BaseModel):
    """A trigger to create."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "GitHub issues", "event_type": "GitHub issue opened"}]}
    )

    name: _Name = Field(description="The name that people see.")
    event_type: Annotated[str, Field(min_length=1, max_length=120)] = Field(
        description="The event that the trigger fires, in your own words. Its normal form is `external.` and the words"
        " in lower case with dots between them: `GitHub issue opened` becomes `external.github.issue.opened`."
    )
    active: _Active = Field(default=True, description="Whether it can be fired.")


class InboundTriggerPatch(BaseModel):
    """The changes of a trigger. A missing field stays. The event type stays too: create a trigger for another one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    name: Omissible[_Name] = Field(default=None, description="The name that people see.")
    active: Omissible[_Active] = Field(default=None, description="Whether it can be fired. A paused one answers 404.")


class InboundTriggerView(BaseModel):
    """A trigger."""

    id: str
    name: str
    event_type: str = Field(description="The name of the event: `external.…`.")
    active: bool
    url: str = Field(
        description="The address without the token, which is shown only once: add `/` and the token to it."
    )
    last_fired_at: str | None = Field(description="The time of the latest event. It follows after some seconds.")
    fire_count: int = Field(description="The number of events. It follows after some seconds.")
    created_at: str

    @classmethod
    def of(cls, row: TriggerWithTally) -> InboundTriggerView:
        """Returns HUM's view of a trigger."""
        return cls.model_validate(_fields(row) | {"url": addresses.inbox_url()})


class NewInboundTriggerView(InboundTriggerView):
    """A trigger with its new token. Only this response shows the token."""

    token: str = Field(description="The token. Store it now, because only its hash is kept.")
    url: str = Field(description="The whole address, with the token. Give it to the other system.")

    @classmethod
    def of_new(cls, made: TriggerWithToken) -> NewInboundTriggerView:
        """Returns HUM's view of a trigger with its token."""
        row = TriggerWithTally(made.trigger, made.tally)
        return cls.model_validate(_fields(row) | {"url": addresses.inbox_url(made.token), "token": made.token})


def _fields(row: TriggerWithTally) -> dict[str, Any]:
    trigger, tally = row
    shown = trigger.model_dump(include={"id", "name", "event_type", "active", "created_at"})
    return shown | {"last_fired_at": tally.last_fired_at, "fire_count": tally.fires}


class InboundTriggerList(BaseModel):
    """A page of triggers."""

    triggers: list[InboundTriggerView]
    next_cursor: str | None


class TriggeredFlowView(BaseModel):
    """The result of a flow for an event."""

    flow_id: str
    channel: Channel
    status: Literal["started", "scheduled", "refused"] = Field(
        description="`scheduled` is a text that waits for the end of the quiet hours."
    )
    call_id: str | None
    message_id: str | None = Field(description="The text, or the scheduled text.")
    code: str | None = Field(description="The code of the refusal, for example `dnc` or `no_target`.")
    reason: str | None = Field(description="The reason of the refusal, for a person.")
    at: str

    @classmethod
    def of(cls, start: FlowStart) -> TriggeredFlowView:
        """Returns HUM's view of a flow's result."""
        found = start.model_dump(exclude={"subject_id"})
        of_call = start.channel == "voice"
        return cls.model_validate(
            found
            | {
                "call_id": start.subject_id if of_call else None,
                "message_id": None if of_call else start.subject_id,
            }
        )


class FiringView(BaseModel):
    """An event that another system sent."""

    id: str
    trigger_id: str
    event_type: str
    delivery_id: str | None = Field(description="The sender's own id of the event.")
    size_bytes: int
    sha256: str = Field(description="The digest of the body.")
    flows: list[TriggeredFlowView] = Field(description="The flows that waited for the event.")
    created_at: str

    @classmethod
    def of(cls, firing: Firing) -> FiringView:
        """Returns HUM's view of a firing."""
        return cls.model_validate(_firing_fields(firing))


def _firing_fields(firing: Firing) -> dict[str, Any]:
    return {
        "id": firing.id,
        "trigger_id": firing.trigger_id,
        "event_type": firing.event_type,
        "delivery_id": firing.delivery,
        "size_bytes": firing.size,
        "sha256": firing.digest,
        "flows": [TriggeredFlowView.of(start) for start in firing.starts],
        "created_at": firing.created_at,
    }


class FiringDetailsView(FiringView):
    """An event that another system sent, with its body."""

    body: Any = Field(description="The JSON that the system sent.")

    @classmethod
    def of_details(cls, found: FiringWithBody) -> FiringDetailsView:
        """Returns HUM's view of a firing with its body."""
        return cls.model_validate(_firing_fields(found.firing) | {"body": found.body})


class FiringList(BaseModel):
    """A page of the events that a trigger fired."""

    firings: list[FiringView]
    next_cursor: str | None
