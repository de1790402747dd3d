"""Sessions, practice calls, their turns and their scores."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from switchboard.kit import clock
from switchboard.roleplay.catalog.models import Difficulty, Persona
from switchboard.roleplay.judges.models import CriterionResult, PracticeTurn


class SessionState(StrEnum):
    """The state of a session. REDEEMED means that its token is spent and its call does not exist yet."""

    MINTED = "minted"
    REDEEMED = "redeemed"
    STARTED = "started"
    FAILED = "failed"
    EXPIRED = "expired"


#: The legal moves of a session. A failed or expired session has no call, and has returned its unit of the quota.
SESSION_MOVES: dict[SessionState, frozenset[SessionState]] = {
    SessionState.MINTED: frozenset({SessionState.REDEEMED, SessionState.EXPIRED}),
    SessionState.REDEEMED: frozenset({SessionState.STARTED, SessionState.FAILED}),
    SessionState.STARTED: frozenset(),
    SessionState.FAILED: frozenset(),
    SessionState.EXPIRED: frozenset(),
}


class RoleplaySession(BaseModel):
    """A rep's right to one roleplay. Its token is not stored: the root secret is enough to verify it."""

    id: str
    org_id: str
    state: SessionState = SessionState.MINTED
    version: int = 1
    external_user_id: str
    external_agency_id: str | None = None
    correlation_id: str
    #: The month (UTC) that counts the session.
    period: str
    #: Whether a slice of the month counted it, as on larger plans.
    sliced: bool = False
    minted_by: str
    created_at: str
    updated_at: str
    expires_at: str
    redeemed_at: str | None = None
    call_id: str | None = None
    failure: str | None = None

    def can_become(self, state: SessionState) -> bool:
        """Whether the move to a state is legal."""
        return state in SESSION_MOVES[self.state]


class RoleplayState(StrEnum):
    """The state of a call (docs/contracts/athos.md#lifecycle). The API shows only scored calls."""

    CREATED = "created"
    LIVE = "live"
    ENDED = "ended"
    SCORING = "scoring"
    SCORED = "scored"
    SCORING_FAILED = "scoring_failed"


#: The final states of a call.
TERMINAL_STATES = frozenset({RoleplayState.SCORED, RoleplayState.SCORING_FAILED})

#: The legal moves of a call. Late, repeated and unordered reports of the transport never move it back.
CALL_MOVES: dict[RoleplayState, frozenset[RoleplayState]] = {
    RoleplayState.CREATED: frozenset({RoleplayState.LIVE, RoleplayState.ENDED}),
    RoleplayState.LIVE: frozenset({RoleplayState.ENDED}),
    RoleplayState.ENDED: frozenset({RoleplayState.SCORING, RoleplayState.SCORING_FAILED}),
    RoleplayState.SCORING: TERMINAL_STATES,
} | {state: frozenset() for state in TERMINAL_STATES}

#: The states in which turns are still recorded.
OPEN_STATES = frozenset({RoleplayState.CREATED, RoleplayState.LIVE, RoleplayState.ENDED})


class RoleplayEndReason(StrEnum):
    """Why a call ended."""

    COMPLETED = "completed"
    REP_HANGUP = "rep_hangup"
    PERSONA_HANGUP = "persona_hangup"
    NEVER_LIVE = "never_live"
    VANISHED = "vanished"
    TOO_LONG = "too_long"


class DrillRequest(BaseModel):
    """A rep's choice of drill and persona."""

    drill_key: str
    difficulty: Difficulty = Difficulty.ADVANCED
    state: str | None = None
    category: str | None = None


class RoleplayCall(BaseModel):
    """A practice call and its state. `version` counts its changes. Each write requires the version that was read."""

    id: str
    org_id: str
    session_id: str
    source: str = "roleplay"
    state: RoleplayState = RoleplayState.CREATED
    version: int = 1
    external_user_id: str
    external_agency_id: str | None = None
    drill_key: str
    #: The edition of the drill and its rubric. Later editions do not affect this call.
    drill_version: int
    persona: Persona
    correlation_id: str
    transport: str
    created_at: str
    updated_at: str
    started_at: str | None = None
    ended_at: str | None = None
    end_reason: RoleplayEndReason | None = None
    #: A live call without a turn until this time is ended.
    watched_until: str | None = None
    #: References to the timers (switchboard.timers) that end a silent call, and a call that stays in its state.
    silence_watch: str | None = None
    watch: str | None = None
    #: The number of recorded turns at the end. After the scoring, the number of scored turns.
    turns: int = 0
    #: The number of turns that the transport reported at the end. The call is scored when all of them are recorded.
    expected_turns: int | None = None
    #: The time until which an ended call waits for missing turns.
    score_after: str | None = None
    scored_at: str | None = None
    failure_reason: str | None = None
    failure_message: str | None = None

    def can_become(self, state: RoleplayState) -> bool:
        """Whether the move to a state is legal."""
        return state in CALL_MOVES[self.state]

    @property
    def length(self) -> timedelta:
        """The time that the call was live."""
        if not self.started_at or not self.ended_at:
            return timedelta(0)
        return max(timedelta(0), clock.parse(self.ended_at) - clock.parse(self.started_at))

    @property
    def duration_seconds(self) -> int:
        """The time that the call was live, in rounded seconds."""
        return clock.round_seconds(self.length)


class TransportReport(BaseModel):
    """A transport's report about a call. `kind` is `live`, `turn` or `ended`.

    `at` is the transport's own time. `turns` is the number of turns at the end, if the transport counts them.
    """

    model_config = ConfigDict(frozen=True)

    org_id: str
    call_id: str
    kind: str
    at: str | None = None
    turn: PracticeTurn | None = None
    end_reason: RoleplayEndReason | None = None
    turns: int | None = None


class Score(BaseModel):
    """A call's score under its drill's rubric."""

    overall: int = Field(ge=0, le=100)
    summary: str
    feedback: str
    marks: list[CriterionResult]
    rubric: str
    model: str
    #: The numbers of the scored turns. The transcript leaves out turns that arrived later.
    heard: list[int] | None = None


class ScoredCall(BaseModel):
    """A scored call with its transcript and its score."""

    call: RoleplayCall
    turns: list[PracticeTurn]
    score: Score


class ScoredCallFilter(BaseModel):
    """The filters of a list of scored calls. Both times are inclusive."""

    start: str
    end: str | None = None
    external_user_id: str | None = None
    external_agency_id: str | None = None
