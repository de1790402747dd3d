"""Sessions, practice calls, what was said in them, and how they were scored."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from switchboard.aws import clock
from switchboard.roleplay.catalog.models import Difficulty, Persona
from switchboard.roleplay.judges.models import Mark, Turn


class SessionState(StrEnum):
    """Where a session is. REDEEMED is its token spent, and no call of it yet."""

    MINTED = "minted"
    REDEEMED = "redeemed"
    STARTED = "started"
    FAILED = "failed"
    EXPIRED = "expired"


#: The legal moves of a session. One that failed or expired became no call, and gave its place in the quota back.
SESSION_MOVES: dict[SessionState, frozenset[SessionState]] = {
    SessionState.MINTED: frozenset({SessionState.REDEEMED, SessionState.EXPIRED}),
    SessionState.REDEEMED: frozenset({SessionState.STARTED, SessionState.FAILED}),
    SessionState.STARTED: frozenset(),
    SessionState.FAILED: frozenset(),
    SessionState.EXPIRED: frozenset(),
}


class Session(BaseModel):
    """A rep's right to one roleplay. Its token is kept nowhere: whoever has the root secret can tell a good one."""

    id: str
    org_id: str
    state: SessionState = SessionState.MINTED
    version: int = 1
    external_user_id: str
    external_agency_id: str | None = None
    correlation_id: str
    #: The month (UTC) whose quota it takes a place of.
    period: str
    #: Whether that was on a slice of the month, as larger plans count.
    sliced: bool = False
    minted_by: str
    created_at: str
    updated_at: str
    expires_at: str
    redeemed_at: str | None = None
    call_id: str | None = None
    failure: str | None = None

    def can_become(self, state: SessionState) -> bool:
        """Whether that move is a legal one."""
        return state in SESSION_MOVES[self.state]


class State(StrEnum):
    """Where a call is (docs/contracts/athos.md#lifecycle). The API shows none but what is scored."""

    CREATED = "created"
    LIVE = "live"
    ENDED = "ended"
    SCORING = "scoring"
    SCORED = "scored"
    SCORING_FAILED = "scoring_failed"


#: How every call ends up.
TERMINAL = frozenset({State.SCORED, State.SCORING_FAILED})

#: The legal moves of a call. What the transport reports late, twice or out of order never moves one backwards.
MOVES: dict[State, frozenset[State]] = {
    State.CREATED: frozenset({State.LIVE, State.ENDED}),
    State.LIVE: frozenset({State.ENDED}),
    State.ENDED: frozenset({State.SCORING, State.SCORING_FAILED}),
    State.SCORING: TERMINAL,
} | {state: frozenset() for state in TERMINAL}

#: The states in which something may still be said.
OPEN = frozenset({State.CREATED, State.LIVE, State.ENDED})


class EndReason(StrEnum):
    """Why a call ended."""

    COMPLETED = "completed"
    REP_HANGUP = "rep_hangup"
    PERSONA_HANGUP = "persona_hangup"
    NEVER_LIVE = "never_live"
    VANISHED = "vanished"
    TOO_LONG = "too_long"


class Wanted(BaseModel):
    """What a rep wants to practise."""

    drill_key: str
    difficulty: Difficulty = Difficulty.ADVANCED
    state: str | None = None
    category: str | None = None


class Call(BaseModel):
    """A practice call, and what has become of it. `version` counts its changes: each write names the one it follows."""

    id: str
    org_id: str
    session_id: str
    source: str = "roleplay"
    state: State = State.CREATED
    version: int = 1
    external_user_id: str
    external_agency_id: str | None = None
    drill_key: str
    #: The entry of the catalogue, and of its rubric, that holds for this call whatever comes later.
    drill_version: int
    persona: Persona
    correlation_id: str
    transport: str
    created_at: str
    updated_at: str
    started_at: str | None = None
    ended_at: str | None = None
    end_reason: EndReason | None = None
    #: Until when the silence of a live call is borne.
    watched_until: str | None = None
    #: The timers that end its silence and the state that it is in, where they are timers (switchboard.timers).
    silence_watch: str | None = None
    watch: str | None = None
    #: How many turns it had when it ended, and once it is scored how many were judged.
    turns: int = 0
    #: How many turns its transport says that there were. It is scored when all of them are there.
    expected_turns: int | None = None
    #: When an ended call is not waited for any longer.
    score_after: str | None = None
    scored_at: str | None = None
    failure_reason: str | None = None
    failure_message: str | None = None

    def can_become(self, state: State) -> bool:
        """Whether that move is a legal one."""
        return state in MOVES[self.state]

    @property
    def duration_seconds(self) -> int:
        """How long it was live."""
        if not self.started_at or not self.ended_at:
            return 0
        return max(0, round((clock.parse(self.ended_at) - clock.parse(self.started_at)).total_seconds()))


class Progress(BaseModel):
    """What a transport reports of a call, in our own words: live, turn, ended.

    `at` is the transport's own time of it. `turns` of an end is how many turns there were, by a transport that counts.
    """

    model_config = ConfigDict(frozen=True)

    org_id: str
    call_id: str
    kind: str
    at: str | None = None
    turn: Turn | None = None
    end_reason: EndReason | None = None
    turns: int | None = None


class Score(BaseModel):
    """A call's score by its drill's rubric."""

    overall: int = Field(ge=0, le=100)
    summary: str
    feedback: str
    marks: list[Mark]
    rubric: str
    model: str
    #: The numbers of the turns that were judged: one that came too late for that is in no transcript.
    heard: list[int] | None = None


class Detail(BaseModel):
    """A scored call with all that belongs to it."""

    call: Call
    turns: list[Turn]
    score: Score


class Listed(BaseModel):
    """Which scored calls are asked for: from and to are included."""

    start: str
    end: str | None = None
    external_user_id: str | None = None
    external_agency_id: str | None = None
