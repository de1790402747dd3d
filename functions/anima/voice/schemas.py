"""Calls, as Anima's clients see them (docs/contracts/anima.md#calls)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from switchboard.aws import secret
from switchboard.calls import models
from switchboard.calls.models import Order, State, Tier
from switchboard.carriers.voice import Voice as CatalogueVoice
from switchboard.carriers.voice.reports import EndReason, Turn
from switchboard.compliance.models import ConsentSource
from switchboard.compliance.models import Verdict as GateVerdict
from switchboard.edge.fields import E164, FreeJson, Id, Line
from switchboard.edge.paging import Pagination

CallState = Literal["INITIATING", "RINGING", "ACTIVE", "HOLD", "ENDING", "ENDED"]
Direction = Literal["INBOUND", "OUTBOUND"]

#: The column of Anima in docs/contracts/common.md#call-states.
_STATE: dict[State, CallState] = {
    State.CREATED: "INITIATING",
    State.DIALING: "INITIATING",
    State.UNCONFIRMED: "INITIATING",
    State.RINGING: "RINGING",
    State.ACTIVE: "ACTIVE",
    State.HOLD: "HOLD",
    State.ENDING: "ENDING",
    **dict.fromkeys(models.TERMINAL, "ENDED"),
}


def states(shown: CallState) -> list[State]:
    """The states that one of Anima's stands for, to filter by."""
    return [state for state, name in _STATE.items() if name == shown]


class _Shown(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


_CONSENT_SOURCE: JsonDict = {
    "type": "string",
    "enum": [source.value for source in ConsentSource],
    "description": "Where the called person's consent comes from. A call without one, or with one that the gate does"
    " not know, is refused with 403, unless the ledger has a consent.",
}


class CallMetadata(BaseModel):
    """What the caller asserts of the call. Other entries are kept with it."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"required": ["consent_source"]})

    # The gate refuses a call without one, and one that it does not know: it records why, which a parser cannot.
    consent_source: Annotated[str | None, Field(max_length=100), WithJsonSchema(_CONSENT_SOURCE)] = None
    consent_date: str | None = Field(
        default=None, description="When it was given (a date); by default when we first heard of it."
    )


class PlaceCallRequest(_Shown):
    """A call to place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"to": "+14155550142", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}
            ]
        }
    )

    to: E164 = Field(description="The number to call, in E.164.")
    tier: Literal["basic", "premium"] = Field(description="The voice's quality, and its price.")
    metadata: Annotated[CallMetadata, FreeJson(8_192)]
    voice_id: str | None = Field(default=None, max_length=100, description="A voice of the catalogue, of that tier.")
    greeting: str | None = Field(
        default=None,
        min_length=1,
        max_length=1_000,
        description="What the agent says first. Who calls, and that the voice is artificial, is said before it where"
        " the law asks for it and the greeting does not begin with both. A call that sells says besides how to get no"
        " more.",
    )
    from_number: E164 | None = Field(default=None, description="A number of yours.")
    purpose: Literal["informational", "telemarketing"] = Field(
        default="informational", description="Whether the call sells something, which takes a stronger consent."
    )
    time_zone: Annotated[str, Line(64)] | None = Field(
        default=None,
        description="The called person's IANA time zone. It narrows the hours of the number's zones; a number of no"
        " place, such as a toll-free one, needs it.",
    )
    recipient_state: Annotated[str, Line(2)] | None = Field(
        default=None, description="The state of the United States where the called person lives: its law holds too."
    )
    agent_id: Id | None = Field(
        default=None, description="The calling agent; required with a master key, the key's own agent otherwise."
    )

    def order(self) -> Order:
        """The call in the domain's terms."""
        return Order(
            consent_source=self.metadata.consent_source,
            consent_date=self.metadata.consent_date,
            metadata=self.metadata.model_dump(),
            **self.model_dump(exclude={"metadata"}),
        )


class PlacedCall(_Shown):
    """A call that was accepted for dialling."""

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
    def of(cls, call: models.Call) -> PlacedCall:
        """The answer to a placement."""
        return cls.model_validate(_fields(call) | {"call_id": call.id})


class Call(_Shown):
    """A call, as it stands."""

    id: str
    agent_id: str = Field(description="The agent that calls; of an AI call, the flow.")
    phone_identity_id: str = Field(description="Stands for the number that the call comes from.")
    direction: Direction
    state: CallState
    tier: Tier
    from_number: str = Field(alias="from")
    to_number: str = Field(alias="to")
    voice_id: str
    greeting: str = Field(description="What is said first, with what the law asks for before the agent's greeting.")
    started_at: str = Field(description="When it was dialled, or accepted if it was not dialled yet.")
    answered_at: str | None
    answered_by: str | None
    ended_at: str | None
    end_reason: EndReason | None
    duration_seconds: int | None
    cost_cents: float
    error: str | None
    outcome: str | None = Field(
        description="What came of the talk by its analysis, which follows the end: `success`, `failure` or `unknown`."
    )
    summary: str | None = Field(description="The talk in brief, by the same analysis.")
    opted_out_at: str | None = Field(description="When the called person asked for no more calls.")
    provisional: bool = Field(
        description="Whether nobody reported the end. A late report may still correct state, length and cost."
    )
    metadata: dict[str, Any]
    correlation_id: str
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, call: models.Call) -> Call:
        """A call of the domain, as Anima shows it. The official client reads ids and the start as text, always."""
        shown = {
            "agent_id": call.agent_id or call.flow_id or "",
            "phone_identity_id": f"phi_{secret.digest(f'{call.org_id}#{call.from_number}')[:26]}",
            "started_at": call.started_at or call.created_at,
            "cost_cents": call.cost_micros / 10_000,
        }
        return cls.model_validate(_fields(call) | shown)


def _fields(call: models.Call) -> dict[str, Any]:
    return call.model_dump(exclude={"order"}) | {"state": _STATE[call.state], "metadata": call.order.metadata}


class CallList(BaseModel):
    """A page of calls, newest first."""

    calls: list[Call]
    pagination: Pagination


class Segment(_Shown):
    """Something that was said; times in seconds from the answer."""

    speaker: str
    text: str
    start_time: float
    end_time: float
    confidence: float = Field(
        description="How sure the recognizer is, from 0 to 1; 1 where it does not say, as of the agent's own words."
    )
    is_final: bool

    @classmethod
    def of(cls, turn: Turn) -> Segment:
        """A turn of the domain, as Anima shows it."""
        return cls(
            speaker=turn.speaker,
            text=turn.text,
            start_time=turn.start_ms / 1000,
            end_time=turn.end_ms / 1000,
            confidence=1.0,
            is_final=turn.final,
        )


class Transcript(_Shown):
    """What was said so far."""

    call_id: str
    segments: list[Segment]


class RuleResult(_Shown):
    """What one rule of the gate found. `version` dates the law or the table that it applied."""

    rule: str
    result: Literal["pass", "block", "skip"]
    reason: str
    code: str | None
    version: str
    input: dict[str, Any]
    details: dict[str, Any]


class Verdict(_Shown):
    """The compliance gate's latest verdict on a call: every rule with its input and result."""

    call_id: str
    allowed: bool
    code: str | None
    rules: list[RuleResult]
    next_allowed_at: str | None
    timezones: list[str]
    evaluated_at: str

    @classmethod
    def of(cls, call_id: str, verdict: GateVerdict) -> Verdict:
        """A verdict of the gate, as Anima shows it."""
        return cls.model_validate(verdict.model_dump(mode="json") | {"call_id": call_id})


class Voice(_Shown):
    """A voice of the catalogue."""

    id: str
    name: str
    tier: Tier
    language: str
    gender: str
    descriptors: list[str] = Field(description="How it sounds, in a word each.")
    use_cases: list[str] = Field(description="What it suits.")


class Catalogue(BaseModel):
    """The voices that a call may have."""

    voices: list[Voice]

    @classmethod
    def of(cls, voices: list[CatalogueVoice]) -> Catalogue:
        """The catalogue, as Anima shows it."""
        return cls(
            voices=[
                Voice(
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
