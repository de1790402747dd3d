"""Request and response models of Anima's calls (docs/contracts/anima.md#calls)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from switchboard.calls import failures, models
from switchboard.calls.models import Order, State, Tier
from switchboard.carriers.voice import Voice
from switchboard.carriers.voice.ports.reports import EndReason, Turn
from switchboard.compliance.models import ConsentSource
from switchboard.compliance.verdicts import Verdict
from switchboard.dialects.anima.shapes import Pagination
from switchboard.edge.fields import E164, FreeJson, Id, OneLine
from switchboard.edge.schema import View
from switchboard.kit import texts

CallState = Literal["INITIATING", "RINGING", "ACTIVE", "HOLD", "ENDING", "ENDED"]
Direction = Literal["INBOUND", "OUTBOUND"]

#: Anima's names of the call states (docs/contracts/common.md#call-states).
_STATE: dict[State, CallState] = {
    State.CREATED: "INITIATING",
    State.DIALING: "INITIATING",
    State.UNCONFIRMED: "INITIATING",
    State.RINGING: "RINGING",
    State.ACTIVE: "ACTIVE",
    State.HOLD: "HOLD",
    State.ENDING: "ENDING",
    **dict.fromkeys(models.FINAL_STATES, "ENDED"),
}
_CONSENT_SOURCE: JsonDict = {
    "type": "string",
    "enum": [source.value for source in ConsentSource],
    "description": "The source of the called person's consent. A call with a missing or unknown source fails with 403,"
    " unless the ledger has a consent.",
}


def states_shown_as(shown: CallState) -> list[State]:
    """Returns the domain's states for one of Anima's states, as a filter."""
    return [state for state, name in _STATE.items() if name == shown]


class ConsentMetadata(BaseModel):
    """The caller's statements about the call. Other entries are stored with the call."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"required": ["consent_source"]})

    # The model accepts a missing or unknown source. The gate refuses the call, because it also records the reason.
    consent_source: Annotated[str | None, Field(max_length=100), WithJsonSchema(_CONSENT_SOURCE)] = None
    consent_date: str | None = Field(
        default=None, description="The date of the consent. The default is the first time that we learned of it."
    )


class VoiceCallRequest(View):
    """A call to place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"to": "+14155550142", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}
            ]
        }
    )

    to: E164 = Field(description="The number to call, in E.164 format.")
    tier: Literal["basic", "premium"] = Field(description="The quality and price of the voice.")
    metadata: Annotated[ConsentMetadata, FreeJson(8_192)]
    voice_id: str | None = Field(default=None, max_length=100, description="A voice of the catalog with this tier.")
    greeting: str | None = Field(
        default=None,
        min_length=1,
        max_length=1_000,
        description="The agent's first words. If the law requires it and the greeting does not begin with them, the"
        " caller's name and a notice of the artificial voice are said first. A telemarketing call also explains how to"
        " opt out.",
    )
    from_number: E164 | None = Field(default=None, description="One of your numbers.")
    purpose: Literal["informational", "telemarketing"] = Field(
        default="informational",
        description="`telemarketing` if the call sells something. It requires a stronger consent.",
    )
    time_zone: Annotated[str, OneLine(64)] | None = Field(
        default=None,
        description="The called person's IANA time zone. It narrows the calling hours of the number's possible zones. A"
        " number without a location, such as a toll-free number, needs it.",
    )
    recipient_state: Annotated[str, OneLine(2)] | None = Field(
        default=None, description="The US state where the called person lives. Its law applies too."
    )
    agent_id: Id | None = Field(
        default=None, description="The calling agent. Required with a master key. The default is the agent of the key."
    )

    def to_order(self) -> Order:
        """Returns the domain's order for this call."""
        return Order(
            consent_source=self.metadata.consent_source,
            consent_date=self.metadata.consent_date,
            metadata=self.metadata.model_dump(),
            **self.model_dump(exclude={"metadata"}),
        )


class PlaceCallResponse(View):
    """A call that was accepted."""

    call_id: str
    agent_id: str | None
    state: CallState
    from_number: str = Field(alias="from")
    to_number: str = Field(alias="to")
    tier: Tier
    direction: Direction
    correlation_id: str
    created_at: str

    @classmethod
    def of(cls, call: models.Call) -> PlaceCallResponse:
        """Returns the response for a new call."""
        return cls.model_validate(_fields(call) | {"call_id": call.id})


class CallView(View):
    """The current state of a call."""

    id: str
    agent_id: str = Field(description="The calling agent. For an AI call: the flow.")
    phone_identity_id: str = Field(description="The id of the calling number.")
    direction: Direction
    state: CallState
    tier: Tier
    from_number: str = Field(alias="from")
    to_number: str = Field(alias="to")
    voice_id: str
    greeting: str = Field(
        description="The first words of the call: the legally required notices, then the agent's greeting."
    )
    started_at: str = Field(description="The time of dialing. Before dialing: the time of acceptance.")
    answered_at: str | None
    answered_by: str | None
    ended_at: str | None
    end_reason: EndReason | None
    duration_seconds: int | None
    cost_cents: float
    error: str | None = Field(description="Why the call failed. `endReason` is the code of the reason.")
    outcome: str | None = Field(
        description="The result of the analysis after the call: `success`, `failure` or `unknown`."
    )
    summary: str | None = Field(description="A short summary of the talk, from the analysis that sets `outcome`.")
    opted_out_at: str | None = Field(description="The time when the called person asked for no more calls.")
    provisional: bool = Field(
        description="Whether the end of the call is assumed and not reported. A late report may still correct state,"
        " duration and cost."
    )
    metadata: dict[str, Any]
    correlation_id: str
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, call: models.Call) -> CallView:
        """Returns Anima's view of a call. The official client requires text for ids and the start, never null."""
        shown = {
            "agent_id": call.agent_id or call.flow_id or "",
            "phone_identity_id": f"phi_{texts.digest(f'{call.org_id}#{call.from_number}')[:26]}",
            "started_at": call.started_at or call.created_at,
            "cost_cents": call.cost_micros / 10_000,
        }
        return cls.model_validate(_fields(call) | shown)


def _fields(call: models.Call) -> dict[str, Any]:
    return call.model_dump(exclude={"order"}) | {
        "state": _STATE[call.state],
        "answered_at": call.connected_at,
        "error": failures.describe_failure(call),
        "metadata": call.order.metadata,
    }


class CallList(BaseModel):
    """A page of calls, newest first."""

    calls: list[CallView]
    pagination: Pagination


class TranscriptSegment(View):
    """A part of the transcript. Times are in seconds since the call was answered."""

    speaker: str
    text: str
    start_time: float
    end_time: float
    confidence: float = Field(
        description="The confidence of the speech recognizer, from 0 to 1. It is 1 if the recognizer reports none, and"
        " for the agent's own words."
    )
    is_final: bool

    @classmethod
    def of(cls, turn: Turn) -> TranscriptSegment:
        """Returns Anima's view of a turn."""
        return cls(
            speaker=turn.speaker,
            text=turn.text,
            start_time=turn.start_ms / 1000,
            end_time=turn.end_ms / 1000,
            confidence=1.0,
            is_final=turn.final,
        )


class TranscriptView(View):
    """The transcript so far."""

    call_id: str
    segments: list[TranscriptSegment]


class RuleResultView(View):
    """The result of one rule of the gate. `version` is the date of the law or table that the rule applied."""

    rule: str
    result: Literal["pass", "block", "skip"]
    reason: str
    code: str | None
    version: str
    input: dict[str, Any]
    details: dict[str, Any]


class VerdictView(View):
    """The compliance gate's latest verdict on a call. It lists every rule with input and result."""

    call_id: str
    allowed: bool
    code: str | None
    rules: list[RuleResultView]
    next_allowed_at: str | None
    timezones: list[str]
    evaluated_at: str

    @classmethod
    def of(cls, call_id: str, verdict: Verdict) -> VerdictView:
        """Returns Anima's view of a verdict."""
        return cls.model_validate(verdict.model_dump(mode="json") | {"call_id": call_id})


class VoiceView(View):
    """A voice of the catalog."""

    id: str
    name: str
    tier: Tier
    language: str
    gender: str
    descriptors: list[str] = Field(description="Words that describe the sound.")
    use_cases: list[str] = Field(description="Suitable uses.")


class VoiceCatalog(BaseModel):
    """The available voices."""

    voices: list[VoiceView]

    @classmethod
    def of(cls, voices: list[Voice]) -> VoiceCatalog:
        """Returns Anima's view of the catalog."""
        return cls(
            voices=[
                VoiceView(
                    id=one.id,
                    name=one.name,
                    tier=Tier(one.tier),
                    language=one.language,
                    gender=one.gender,
                    descriptors=list(one.descriptors),
                    use_cases=list(one.use_cases),
                )
                for one in voices
            ]
        )
