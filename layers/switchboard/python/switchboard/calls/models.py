"""A call, its states, and the moves between them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from switchboard.carriers.voice.reports import EndReason, Recording
from switchboard.compliance.models import Basis, Purpose
from switchboard.usage.models import Receipt

Direction = Literal["OUTBOUND", "INBOUND"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


class State(StrEnum):
    """Where a call is. DIALING is the worker's claim: from there on the provider may have it.

    In ENDING the line is over, and the analysis of the talk has not been reported yet.
    """

    CREATED = "created"
    DIALING = "dialing"
    UNCONFIRMED = "unconfirmed"
    RINGING = "ringing"
    ACTIVE = "active"
    HOLD = "hold"
    ENDING = "ending"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    CANCELED = "canceled"


#: The speaker of a turn that is no word of the called person.
AGENT = "agent"

#: How every call ends, one way or another.
TERMINAL = frozenset({State.COMPLETED, State.BUSY, State.NO_ANSWER, State.FAILED, State.CANCELED})

#: The states of a call whose line is over.
OVER = TERMINAL | {State.ENDING}

#: The legal moves. Whatever a provider reports late, twice or out of order never moves a call backwards: a call that
#: was answered does not ring again, and one that ended stays as it ended.
MOVES: dict[State, frozenset[State]] = {
    State.CREATED: frozenset({State.DIALING}) | TERMINAL,
    State.DIALING: frozenset({State.CREATED, State.UNCONFIRMED, State.RINGING, State.ACTIVE, State.HOLD, State.ENDING})
    | TERMINAL,
    State.UNCONFIRMED: frozenset({State.RINGING, State.ACTIVE, State.HOLD, State.ENDING}) | TERMINAL,
    State.RINGING: frozenset({State.ACTIVE, State.HOLD, State.ENDING}) | TERMINAL,
    State.ACTIVE: frozenset({State.HOLD, State.ENDING}) | TERMINAL - {State.BUSY, State.NO_ANSWER},
    State.HOLD: frozenset({State.ACTIVE, State.ENDING}) | TERMINAL - {State.BUSY, State.NO_ANSWER},
    State.ENDING: TERMINAL - {State.BUSY, State.NO_ANSWER},
} | {state: frozenset() for state in TERMINAL}


class Tier(StrEnum):
    """The quality of the voice, and its price."""

    BASIC = "basic"
    PREMIUM = "premium"


class Order(BaseModel):
    """A call that a caller wants placed.

    `basis` is the consent that holds where neither the request nor the ledger has one. A `simulated` call reaches
    nobody and costs nothing. `purpose`, `time_zone`, `recipient_state` and `zone_confirmed` are the gate's
    (`compliance.models.Contact`). `variables` are what the voice may speak of: they stand for `{{name}}` in its texts.
    """

    to: str
    tier: Tier
    consent_source: str | None = None
    consent_date: str | None = None
    basis: Basis | None = None
    simulated: bool = False
    voice_id: str | None = None
    greeting: str | None = None
    prompt: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    from_number: str | None = None
    agent_id: str | None = None
    purpose: str = Purpose.INFORMATIONAL.value
    time_zone: str | None = None
    recipient_state: str | None = None
    zone_confirmed: bool = False
    metadata: dict[str, Any] = Field(default_factory=dict)


class Call(BaseModel):
    """A call, and what has become of it. `version` counts its changes: each write names the one it follows."""

    id: str
    org_id: str
    agent_id: str | None = None
    source: str
    direction: Direction = "OUTBOUND"
    state: State = State.CREATED
    version: int = 1
    #: The version at which a dialler last claimed it.
    claim: int = 0
    #: The lane that it holds or held (switchboard.calls.lanes).
    lane: str | None = None
    #: The timer that closes it, where that is one (switchboard.timers): it goes with the reason that it was set for.
    watch: str | None = None
    tier: Tier
    from_number: str
    to_number: str
    voice_id: str
    greeting: str
    #: What the voice calls itself.
    agent_name: str = "your assistant"
    #: The flow that talks, as it was when the call was accepted, and how the caller named it.
    flow_id: str | None = None
    agent_ref: str | None = None
    provider_agent_id: str | None = None
    #: By this the caller tells its own requests apart: two with the same are one call.
    request_id: str | None = None
    conversation_id: str | None = None
    #: The endpoint that is told of this call alone (switchboard.webhooks.callbacks).
    callback_id: str | None = None
    #: What was asked for: the gate is asked again before the call is dialled.
    order: Order
    correlation_id: str
    #: The key that it was placed with. Revoking it stops the call, as long as it waits to be dialled.
    key_id: str | None = None
    #: When the called person asked for no more calls.
    opted_out_at: str | None = None
    provider: str
    #: What the line calls it, and what the talker calls the talk.
    provider_call_id: str | None = None
    provider_conversation_id: str | None = None
    #: The provider's own order of the last hold or resume that counted.
    held_order: int | None = None
    #: The same of the last transfer.
    transfer_order: int | None = None
    transferred_to: str | None = None
    end_reason: EndReason | None = None
    answered_by: str | None = None
    #: Whether an analysis of the talk follows its end. `outcome` is what it says: `success`, `failure` or `unknown`.
    awaits_analysis: bool = False
    outcome: str | None = None
    summary: str | None = None
    recordings: list[Recording] = Field(default_factory=list)
    error: str | None = None
    sip_code: int | None = None
    #: Where the first minute was counted; what the call really took is settled there. A simulated call has none.
    receipt: Receipt | None = None
    cost_micros: int = 0
    #: Whether its end is our own conclusion: no report of the provider told of it. A report may still correct it.
    provisional: bool = False
    #: How long the provider said that it lasted, where nobody had reported an answer: it may have been ringing.
    reported_seconds: int | None = None
    #: Whether no report told of the answer, or of the length, so that a late one still counts.
    answer_supposed: bool = False
    length_supposed: bool = False
    created_at: str
    updated_at: str
    started_at: str | None = None
    answered_at: str | None = None
    ended_at: str | None = None
    duration_seconds: int | None = None

    @property
    def simulated(self) -> bool:
        """Whether nobody is called, and nothing spent."""
        return self.order.simulated

    @property
    def is_over(self) -> bool:
        """Whether the provider told that the line is over, or it never had the call."""
        return self.state in OVER and not self.provisional

    def can_become(self, state: State) -> bool:
        """Whether that move is a legal one."""
        return state in MOVES[self.state]
