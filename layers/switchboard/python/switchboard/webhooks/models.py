"""Endpoints, deliveries, and what is known of an endpoint's health."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.aws import clock

#: How far apart the failures of several deliveries are at the least, for an endpoint to be failing: a short outage of
#: it proves nothing (docs.svix.com/retries).
SPREAD = timedelta(hours=12)

KindName = Literal["anima", "opticomm", "athos", "hum"]


class Endpoint(BaseModel):
    """Where an organisation wants to be told, and of what. Its secret is derived (signing.secret_of), never stored.

    `events` are names or prefixes (`email.*`, `*`). Custom headers are sealed, since they may hold credentials.
    """

    id: str
    org_id: str
    kind: KindName
    url: str
    events: list[str] = Field(default_factory=lambda: ["*"])
    label: str | None = None
    description: str | None = None
    active: bool = True
    disabled_reason: str | None = None
    disabled_at: str | None = None
    header_names: list[str] = Field(default_factory=list)
    sealed_headers: str | None = None
    timeout_ms: int
    max_attempts: int
    template: str | None = None
    #: Counts the secrets that it had; the one before the latest signs along until `overlap_until`, and those before it
    #: until the moments in `retiring`, by their generation.
    generation: int = 1
    overlap_until: str | None = None
    retiring: dict[int, str] = Field(default_factory=dict)
    #: The key whose secret signs: of OptiComm's callbacks, which have none of their own.
    key_id: str | None = None
    #: When a callback's endpoint vanishes by itself, in seconds since 1970; one that was registered stays.
    expires: int | None = None
    #: When a call first named a callback's endpoint, or named it again after it was disabled.
    active_since: str | None = None
    version: int = 1
    created_at: str
    updated_at: str


class Health(BaseModel):
    """How an endpoint has been answering, and what is arranged for the deliveries that wait for it.

    `failures` are attempts in a row that were no success; `down` those of them at which it could not be reached, was
    too slow or asked us to stay away: these open the breaker, the others do not. It has been failing from
    `failing_since` to `failed_at`, with no success and no long silence between. `failing_id` is the delivery whose
    failure began this, and `several_since` when the first other delivery failed.
    """

    model_config = ConfigDict(extra="ignore")

    failures: int = 0
    down: int = 0
    failing_since: str | None = None
    failed_at: str | None = None
    failing_id: str | None = None
    several_since: str | None = None
    open_until: str | None = None
    slow_until: str | None = None
    #: When it last answered a whole batch quickly. It has none while it is new, and none after it was slow.
    quick_at: str | None = None
    last_success_at: str | None = None
    last_delivery_at: str | None = None
    #: Until when batches take slots, though it has been answering: it let one wait.
    wary_until: str | None = None
    #: Until when a slot is taken, by its number.
    slots: dict[int, str] = Field(default_factory=dict)
    #: Until when a worker has the turn: it alone sends what is parked.
    turn_until: str | None = None
    #: Set while deliveries may be parked: a new value each time some are.
    waiting: str | None = None
    #: When a job looks for parked deliveries, and when one looks for overdue ones.
    wake_at: str | None = None
    watch_at: str | None = None
    watch_timer: str | None = None

    def failing_for(self, since: str | None = None) -> timedelta:
        """For how long deliveries have done nothing but fail. What was before `since` does not count.

        One delivery alone does not count, however often it fails, nor do several while their failures are less than
        `SPREAD` apart.
        """
        if not self.failing_since or not self.failed_at or not self.several_since:
            return timedelta(0)
        last = clock.parse(self.failed_at)
        if last - clock.parse(self.several_since) < SPREAD:
            return timedelta(0)
        began = max(self.failing_since, since or self.failing_since)
        return max(last - clock.parse(began), timedelta(0))


class Status(StrEnum):
    """Where a delivery is."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


#: The legal moves. What is over begins again when somebody asks for it.
MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PENDING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED}),
    Status.SUCCEEDED: frozenset({Status.PENDING}),
    Status.FAILED: frozenset({Status.PENDING}),
    Status.CANCELED: frozenset({Status.PENDING}),
}


class Reason(StrEnum):
    """Why a delivery was canceled, as its `error` says it."""

    DISABLED = "the webhook is disabled"
    DELETED = "the webhook was deleted"


class Attempt(BaseModel):
    """One try: what came back, how long it took, or why nothing did."""

    model_config = ConfigDict(frozen=True)

    number: int
    at: str
    status: int | None = None
    milliseconds: int
    error: str | None = None


class Delivery(BaseModel):
    """One event for one endpoint. The body is made once: what is signed at the tenth try is what was at the first.

    `attempts` counts all tries and `tries` those since it was last set off, by which the schedule goes. `follows` is
    the delivery that has to come before it, `successor` the one that waits for this. `set_off_at` is when it was last
    set off, where that was not when it was made, and `timer` the timer of its next attempt (`timers.service.moot`).
    """

    id: str
    org_id: str
    endpoint_id: str
    event: str
    event_id: str
    subject_id: str
    sequence: int
    body: str
    status: Status = Status.PENDING
    attempts: int = 0
    tries: int = 0
    log: list[Attempt] = Field(default_factory=list)
    response_body: str | None = None
    error: str | None = None
    follows: str | None = None
    successor: str | None = None
    next_attempt_at: str | None = None
    timer: str | None = None
    set_off_at: str | None = None
    completed_at: str | None = None
    correlation_id: str
    created_at: str

    @property
    def last(self) -> Attempt | None:
        """The latest attempt."""
        return self.log[-1] if self.log else None

    @property
    def place(self) -> str:
        """Where its next attempt stands among those that wait: what was made first comes first."""
        return f"{self.created_at}#{self.id}#{self.attempts + 1:05d}"

    @property
    def lost(self) -> bool:
        """Whether it is over and did not arrive, though its endpoint may still want it: one that was deleted does not.

        It is a dead letter, and what a recovery sends again.
        """
        if self.status is Status.CANCELED:
            return self.error != Reason.DELETED
        return self.status is Status.FAILED

    def moved(self, status: Status, **facts: Any) -> Delivery:
        """The delivery in its next state, with other facts."""
        return self.model_copy(update={**facts, "status": status})

    def can_become(self, status: Status) -> bool:
        """Whether that move is a legal one."""
        return status in MOVES[self.status]


class Settings(BaseModel):
    """What an endpoint's owner may say of it."""

    url: str
    events: list[str] = Field(default_factory=lambda: ["*"])
    label: str | None = None
    description: str | None = None
    active: bool = True
    custom_headers: dict[str, str] = Field(default_factory=dict)
    timeout_ms: int | None = None
    max_attempts: int | None = None
    template: str | None = None


class Rendered(BaseModel):
    """An event in the words of a kind of webhook: its name, its body, and its place among the subject's events.

    `key` tells it from every other delivery to the same endpoint.
    """

    event: str
    body: dict[str, Any]
    sequence: int
    key: str
