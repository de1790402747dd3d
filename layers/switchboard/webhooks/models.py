"""Models of webhooks: endpoints, their health, and deliveries with their attempts."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.kit import clock

#: The shortest time between failures of several deliveries after which an endpoint counts as failing. A short outage
#: proves nothing (docs.svix.com/retries).
MIN_FAILURE_SPREAD = timedelta(hours=12)

KindName = Literal["anima", "opticomm", "athos", "hum"]


class Endpoint(BaseModel):
    """A URL of an organization that receives events. Its secret is derived (`signing.secret_of`) and never stored.

    `events` are names or prefixes (`email.*`, `*`). Custom headers are sealed because they may hold credentials.
    """

    id: str
    org_id: str
    kind: KindName
    url: str
    #: The digest of the host at which a registered endpoint counts (`host_limits`).
    counted_host: str | None = None
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
    #: The number of the latest secret. The previous secret also signs until `overlap_until`. Older secrets sign until
    #: the times in `retiring`, by generation.
    generation: int = 1
    overlap_until: str | None = None
    retiring: dict[int, str] = Field(default_factory=dict)
    #: The API key whose secret signs. Only OptiComm's callbacks set it: they have no secret of their own.
    key_id: str | None = None
    #: When DynamoDB deletes a callback's endpoint, in seconds since 1970. Registered endpoints do not expire.
    expires: int | None = None
    #: When a call first named a callback's endpoint, or first named it again after the endpoint was disabled.
    active_since: str | None = None
    version: int = 1
    created_at: str
    updated_at: str


class ReceiverHealth(BaseModel):
    """The recent results of a receiver's attempts, its leases, and the jobs arranged for its waiting deliveries.

    `failures` counts unsuccessful attempts in a row. `down` counts the attempts among them at which the receiver was
    unreachable, too slow or asked us to wait; only these open the breaker. The receiver has failed from
    `failing_since` to `failed_at`, with no success and no long silence between. `failing_id` is the delivery that
    failed first, and `several_since` is the time when another delivery first failed.
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
    #: When the receiver last responded quickly to a whole batch. Unset for a new receiver and after a slow response.
    quick_at: str | None = None
    last_success_at: str | None = None
    last_delivery_at: str | None = None
    #: Until when batches take slots of a healthy receiver, because it made a batch wait.
    wary_until: str | None = None
    #: Until when each slot is leased, by its number.
    slots: dict[int, str] = Field(default_factory=dict)
    #: Until when a worker has the turn: only this worker sends parked attempts.
    turn_until: str | None = None
    #: Set while deliveries may be parked. Each parking sets a new value.
    waiting: str | None = None
    #: When a job sends parked deliveries, and when a job looks for overdue deliveries.
    wake_at: str | None = None
    watch_at: str | None = None
    watch_timer: str | None = None

    def failing_for(self, since: str | None = None) -> timedelta:
        """How long all deliveries have failed. Failures before `since` do not count.

        Returns zero if only one delivery failed, even many times, or if several failed within less than
        `MIN_FAILURE_SPREAD`.
        """
        if not self.failing_since or not self.failed_at or not self.several_since:
            return timedelta(0)
        last = clock.parse(self.failed_at)
        if last - clock.parse(self.several_since) < MIN_FAILURE_SPREAD:
            return timedelta(0)
        began = max(self.failing_since, since or self.failing_since)
        return max(last - clock.parse(began), timedelta(0))


class DeliveryStatus(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


#: The allowed changes of status. A completed delivery becomes pending again when a customer asks for it.
DELIVERY_TRANSITIONS: dict[DeliveryStatus, frozenset[DeliveryStatus]] = {
    DeliveryStatus.PENDING: frozenset(
        {DeliveryStatus.PENDING, DeliveryStatus.SUCCEEDED, DeliveryStatus.FAILED, DeliveryStatus.CANCELED}
    ),
    DeliveryStatus.SUCCEEDED: frozenset({DeliveryStatus.PENDING}),
    DeliveryStatus.FAILED: frozenset({DeliveryStatus.PENDING}),
    DeliveryStatus.CANCELED: frozenset({DeliveryStatus.PENDING}),
}


class CancelReason(StrEnum):
    """Why a delivery was canceled: the text of its `error`."""

    DISABLED = "the webhook is disabled"
    DELETED = "the webhook was deleted"


class Attempt(BaseModel):
    """One attempt: its response status and duration, or the reason why there was no response."""

    model_config = ConfigDict(frozen=True)

    number: int
    at: str
    status: int | None = None
    milliseconds: int
    error: str | None = None


class Delivery(BaseModel):
    """One event for one endpoint. The body is built once, so that every attempt signs and sends the same body.

    `attempts` counts all attempts. `tries` counts the attempts since the delivery last started; the retry schedule
    uses it. `follows` is the delivery that must arrive before this one, and `successor` is the delivery that waits for
    this one. `set_off_at` is the last restart, unset if the delivery was never restarted. `timer` is the timer of the
    next attempt (`timers.cancel_writes`).
    """

    id: str
    org_id: str
    endpoint_id: str
    event: str
    event_id: str
    subject_id: str
    sequence: int
    body: str
    status: DeliveryStatus = DeliveryStatus.PENDING
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
    def last_attempt(self) -> Attempt | None:
        """The latest attempt."""
        return self.log[-1] if self.log else None

    @property
    def next_place(self) -> str:
        """The sort key of the next attempt among waiting attempts: the oldest delivery comes first."""
        return f"{self.created_at}#{self.id}#{self.attempts + 1:05d}"

    @property
    def is_lost(self) -> bool:
        """Whether the delivery is over without success and its endpoint was not deleted.

        Such a delivery is a dead letter, and a recovery sends it again.
        """
        if self.status is DeliveryStatus.CANCELED:
            return self.error != CancelReason.DELETED
        return self.status is DeliveryStatus.FAILED

    def with_status(self, status: DeliveryStatus, **facts: Any) -> Delivery:
        """Returns a copy with a new status and other changed fields."""
        return self.model_copy(update={**facts, "status": status})

    def can_become(self, status: DeliveryStatus) -> bool:
        """Whether the status may change to `status`."""
        return status in DELIVERY_TRANSITIONS[self.status]


class EndpointSettings(BaseModel):
    """The settings of an endpoint that its owner may change."""

    url: str
    #: The digest of the host at which a registered endpoint counts (`host_limits`).
    counted_host: str | None = None
    events: list[str] = Field(default_factory=lambda: ["*"])
    label: str | None = None
    description: str | None = None
    active: bool = True
    custom_headers: dict[str, str] = Field(default_factory=dict)
    timeout_ms: int | None = None
    max_attempts: int | None = None
    template: str | None = None


class RenderedEvent(BaseModel):
    """An event as a kind of webhook presents it: its name, its body, and its position among the subject's events.

    `key` is unique among all deliveries to the same endpoint.
    """

    event: str
    body: dict[str, Any]
    sequence: int
    key: str
