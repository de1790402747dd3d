"""A call, its states, and the allowed transitions between them."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from switchboard.carriers.voice.ports.reports import EndReason, Recording
from switchboard.compliance.models import Purpose, StandingConsent
from switchboard.kit import texts
from switchboard.usage.models import SpendingReceipt

Direction = Literal["OUTBOUND", "INBOUND"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


class State(StrEnum):
    """The state of a call. In DIALING a worker has claimed it, so the provider may have it.

    In ENDING the line is over, but the analysis of the talk is not reported yet.
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


#: The speaker of a turn by our side. All other speakers are the other party.
AGENT_SPEAKER = "agent"

#: The final states.
FINAL_STATES = frozenset({State.COMPLETED, State.BUSY, State.NO_ANSWER, State.FAILED, State.CANCELED})

#: The states of a call whose line is over.
OVER_STATES = FINAL_STATES | {State.ENDING}

#: The allowed transitions. Late, repeated or unordered reports never move a call backwards: an answered call does not
#: ring again, and an ended call stays ended.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.CREATED: frozenset({State.DIALING}) | FINAL_STATES,
    State.DIALING: frozenset({State.CREATED, State.UNCONFIRMED, State.RINGING, State.ACTIVE, State.HOLD, State.ENDING})
    | FINAL_STATES,
    State.UNCONFIRMED: frozenset({State.RINGING, State.ACTIVE, State.HOLD, State.ENDING}) | FINAL_STATES,
    State.RINGING: frozenset({State.ACTIVE, State.HOLD, State.ENDING}) | FINAL_STATES,
    State.ACTIVE: frozenset({State.HOLD, State.ENDING}) | FINAL_STATES - {State.BUSY, State.NO_ANSWER},
    State.HOLD: frozenset({State.ACTIVE, State.ENDING}) | FINAL_STATES - {State.BUSY, State.NO_ANSWER},
    State.ENDING: FINAL_STATES - {State.BUSY, State.NO_ANSWER},
} | {state: frozenset() for state in FINAL_STATES}


class Tier(StrEnum):
    """The quality of the voice, and its price."""

    BASIC = "basic"
    PREMIUM = "premium"


#: The source of calls that members place.
CONSOLE_SOURCE = "hum"
#: The source of calls that events from outside start.
EVENT_SOURCE = "event"


class Order(BaseModel):
    """The request for a call.

    `basis` is the consent to use if neither the request nor the ledger has one. A `simulated` call reaches nobody and
    costs nothing. `purpose`, `time_zone`, `recipient_state` and `zone_confirmed` are for the gate
    (`compliance.models.ContactAttempt`). `variables` replace `{{name}}` in the prompt and the greeting, and so do those
    of the `task_context` (`switchboard.calls.task_context`). `prompt` is for a call without a version of a flow.
    `skips_own_hours`: an admin has decided that the organization's own calling hours do not apply. The law's do.
    """

    to: str
    tier: Tier
    consent_source: str | None = None
    consent_date: str | None = None
    basis: StandingConsent | None = None
    simulated: bool = False
    voice_id: str | None = None
    greeting: str | None = None
    prompt: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    task_context: dict[str, Any] = Field(default_factory=dict)
    from_number: str | None = None
    agent_id: str | None = None
    purpose: str = Purpose.INFORMATIONAL.value
    time_zone: str | None = None
    recipient_state: str | None = None
    zone_confirmed: bool = False
    skips_own_hours: bool = False
    metadata: dict[str, Any] = Field(default_factory=dict)


_MAX_TAG_KEY_BYTES = 500


class CallTag(BaseModel):
    """A label that people put on a call. Two labels of a call differ in more than letter case."""

    name: str
    color: str | None = None
    added_by: str
    added_at: str

    @property
    def key(self) -> str:
        """The name by which tags are compared."""
        return tag_key(self.name)


def tag_key(name: str) -> str:
    """Returns the name by which tags are compared: without letter case, in one Unicode form, with single spaces."""
    folded = unicodedata.normalize("NFKC", " ".join(unicodedata.normalize("NFKC", name).split()).casefold())
    # Some characters fold to many. A table's key has a limit.
    return folded if len(folded.encode()) <= _MAX_TAG_KEY_BYTES else texts.digest(folded)


class CallRecording(Recording):
    """A recording of a call. `key` is its place in the bucket `recordings`, once our worker has fetched it.

    A `lost` recording will never come, and a `deleted` one must not come back: it has no `key` and no `url`. `url` is
    the provider's own, and never leaves this system.
    """

    key: str | None = None
    media_type: str | None = None
    size_bytes: int | None = None
    lost: bool = False
    deleted: bool = False


class CallerMessageState(StrEnum):
    """The state of the message that a caller was asked for.

    `LEFT`: the caller spoke, and the recording is awaited. `NONE`: the caller left no message. `LOST`: the recording
    never came. `DELETED`: a member deleted the voicemail.
    """

    OFFERED = "offered"
    LEFT = "left"
    RECORDED = "recorded"
    NONE = "none"
    LOST = "lost"
    DELETED = "deleted"


class Declined(StrEnum):
    """The reason why a caller heard a polite message, and talked to nobody. It is also the reason of the end."""

    NO_FLOW = "no_flow"
    SUSPENDED = "suspended"
    BUSY = "busy"
    SPENDING_CAP = "spending_cap"
    UNAVAILABLE = "unavailable"


class WidgetVisit(BaseModel):
    """The visitor of a page who talks in a room, by a widget: the session, the page, and what the visitor entered."""

    session_id: str
    token_id: str
    origin: str
    lead_id: str | None = None
    name: str | None = None
    email: str | None = None
    #: In E.164. Nobody verified it, so it never stands for the other party of the call.
    phone: str | None = None


class Call(BaseModel):
    """A call with its present state. `version` counts its changes: each write requires the version that it read."""

    id: str
    org_id: str
    agent_id: str | None = None
    source: str
    direction: Direction = "OUTBOUND"
    state: State = State.CREATED
    version: int = 1
    #: The version of the last claim by a dialer.
    claim: int = 0
    #: The lane that the call holds or held (`switchboard.calls.lanes`).
    lane: str | None = None
    #: The timer that closes the call (`switchboard.timers`), if its present state has one.
    watch: str | None = None
    #: The minutes beyond the first one that the call holds (`switchboard.calls.holds`). 0 after its end.
    held_minutes: int = 0
    tier: Tier
    from_number: str
    to_number: str
    voice_id: str
    #: The first words of the first talk. Empty if the flow's version has them.
    greeting: str = ""
    #: Whether the texts of the talk are an item of their own (`switchboard.calls.store`).
    texts_apart: bool = False
    #: The name of the voice.
    agent_name: str = "your assistant"
    #: The flow that talks, as of the call's acceptance. `agent_ref` is the caller's name for it.
    flow_id: str | None = None
    #: The version of the flow that talks. The call keeps it when the flow changes.
    flow_version: int | None = None
    agent_ref: str | None = None
    #: Our number that received the call (`switchboard.numbers`). Only for calls in.
    number_id: str | None = None
    #: The visitor of a page who talks without a telephone. Only for calls in.
    widget: WidgetVisit | None = None
    #: Why the caller of an incoming call talked to nobody. Such a caller may have left a message.
    declined: Declined | None = None
    #: Whether the call came outside of the flow's business hours.
    after_hours: bool = False
    #: How many talks came before the present one, and the talker's connection for the present one.
    talk: int = 0
    connect: str | None = None
    #: Whether the flow that took the call from another flow was closed at that time.
    flow_closed: bool = False
    #: The talk with which the recording began that ran when the present flow took the call.
    recording_talk: int | None = None
    #: The number that the caller is being transferred to.
    transfer_target: str | None = None
    voicemail: CallerMessageState | None = None
    #: The language in which the caller was asked for the message.
    message_language: str | None = None
    #: When the line got the flow's message for the machine that answered our call.
    message_left_at: str | None = None
    provider_agent_id: str | None = None
    #: The caller's own id of the request: requests with the same id are one call.
    request_id: str | None = None
    conversation_id: str | None = None
    #: The endpoint for events of only this call (`switchboard.webhooks.callbacks`).
    callback_id: str | None = None
    #: The original request. The gate evaluates it again before the call is dialed.
    order: Order
    correlation_id: str
    #: The API key of the request. Revoking the key stops the call if it is not dialed yet.
    key_id: str | None = None
    #: The member who placed the call. The call is not dialed if the member has lost the right to place calls.
    placed_by: str | None = None
    #: When the called person asked for no more calls.
    opted_out_at: str | None = None
    provider: str
    #: The ids of the call at the line and at the talker.
    provider_call_id: str | None = None
    provider_conversation_id: str | None = None
    #: The position of the last applied hold or resume in the provider's order.
    held_order: int | None = None
    #: The position of the last applied transfer in the provider's order.
    transfer_order: int | None = None
    transferred_to: str | None = None
    #: The length of the talk with that number, in seconds. It is a second leg of the line, which costs minutes, too.
    transfer_seconds: int = 0
    end_reason: EndReason | None = None
    answered_by: str | None = None
    #: Whether an analysis follows the end of the talk. `outcome` is its result: `success`, `failure` or `unknown`.
    awaits_analysis: bool = False
    outcome: str | None = None
    summary: str | None = None
    #: When the talk was summarized (`switchboard.calls.summaries`).
    summarized_at: str | None = None
    recordings: list[CallRecording] = Field(default_factory=list)
    #: The provider's texts of recordings, by the recording's id. A text may arrive before its recording.
    transcripts: dict[str, str] = Field(default_factory=dict)
    #: Whether a member tries out a flow with it. Analytics leave it out.
    is_test: bool = False
    #: The tags of people, in the order in which they were added, and the number of notes.
    tags: list[CallTag] = Field(default_factory=list)
    note_count: int = 0
    error: str | None = None
    sip_code: int | None = None
    #: The receipt for the first minute. The rest of the call is charged to it. A simulated call has none.
    receipt: SpendingReceipt | None = None
    cost_micros: int = 0
    #: Whether we concluded the end without a report by the provider. A report may still correct it.
    provisional: bool = False
    #: The provider's length of a call without a reported answer, in seconds. It may be ringing time.
    reported_seconds: int | None = None
    #: Whether the answer, or the length, was concluded without a report. A late report may still correct it.
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
        """Whether the call reaches nobody and costs nothing."""
        return self.order.simulated

    @property
    def reaches_nobody(self) -> bool:
        """Whether the simulator has the call, in any configuration. It knows what its people say."""
        return self.simulated or self.provider == "simulator"

    @property
    def free(self) -> bool:
        """Whether the call costs the organization nothing."""
        turned_away = self.declined is not None or self.after_hours
        return self.simulated or (turned_away and self.receipt is None)

    @property
    def connected_at(self) -> str | None:
        """When the two sides were connected, or `None`. A caller who only heard messages was connected to nobody."""
        talked = self.talk > 0 or self.connect is not None
        turned_away = self.declined is not None or self.after_hours or self.voicemail is not None
        heard_only_us = self.direction == "INBOUND" and turned_away and not talked
        return None if heard_only_us else self.answered_at

    @property
    def meets_closed_flow(self) -> bool:
        """Whether the flow that has the call was outside of its business hours when it took the call."""
        return self.flow_closed if self.talk else self.after_hours

    @property
    def person_number(self) -> str:
        """The number of the other party: the caller of an incoming call, and the called person of all others.

        An incoming call may have no number: then this is a word such as `anonymous`.
        """
        return self.from_number if self.direction == "INBOUND" else self.to_number

    @property
    def own_number(self) -> str:
        """The number of our side: the called number of an incoming call, and the caller ID of all others."""
        return self.to_number if self.direction == "INBOUND" else self.from_number

    @property
    def is_over(self) -> bool:
        """Whether the call is certainly over: the provider reported the end, or it never had the call."""
        return self.state in OVER_STATES and not self.provisional

    @property
    def over_since(self) -> str:
        """The time of the end by our clock, of a call that is over. The line's clock may be ahead of ours."""
        return min(self.ended_at or self.updated_at, self.updated_at)

    @property
    def has_voicemail(self) -> bool:
        """Whether the caller left a message, and it is stored."""
        return self.voicemail is CallerMessageState.RECORDED

    @property
    def took_voicemail(self) -> bool:
        """Whether the caller left a message, also if a member deleted it."""
        return self.voicemail in (CallerMessageState.RECORDED, CallerMessageState.DELETED)

    def can_become(self, state: State) -> bool:
        """Whether the transition to a state is allowed."""
        return state in TRANSITIONS[self.state]


class CallHistory(BaseModel):
    """A number's calls so far. `name` is the holder's name from the variables of the call created at `named_at`."""

    e164: str
    calls: int = 0
    last_call_at: str | None = None
    name: str | None = None
    named_at: str | None = None
