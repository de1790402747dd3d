"""The port to the telephone line: who rings whom, and what becomes of the connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

#: How long a phone rings before the line gives up, and how long a call may last, in seconds.
RING_SECONDS, MOST_SECONDS = 60, 3_600

#: What the line does about answering machines: nothing, tell who answered, or wait for the beep before the talk.
MachineDetection = Literal["off", "detect", "wait_for_beep"]


@dataclass(frozen=True, slots=True)
class Leg:
    """A call that the line may have. Without the line's id the line finds it by ours."""

    org_id: str
    call_id: str
    provider_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A call to place. The line sends our ids back with everything that it reports.

    `connect` is what the talker gave the line to connect to, and `conversation_id` what the talker calls the talk.
    """

    org_id: str
    call_id: str
    from_number: str
    to_number: str
    #: The end of the time in which the call may ring: a line that still queues it then gives it up.
    not_after: str | None = None
    ring_seconds: int = RING_SECONDS
    most_seconds: int = MOST_SECONDS
    machine: MachineDetection = "detect"
    #: Whether the line records. The recording is reported after the end.
    record: bool = False
    conversation_id: str | None = None
    connect: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a line says that a call is. `end_reason` is a word of our own vocabulary, set when it is over."""

    over: bool
    answered: bool = False
    provider_call_id: str | None = None
    answered_at: str | None = None
    answered_by: str | None = None
    ended_at: str | None = None
    end_reason: str | None = None
    duration_seconds: int | None = None
    sip_code: int | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How many calls a second a line takes (Twilio: 1, by default); `inf` where it counts none.

    `counted_by` names what they are counted by: an account, whose numbers all share the pace, of all tenants (Twilio
    counts so). Without it each number is counted by itself.
    """

    rate: float
    counted_by: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Let the called person wait."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with a call on hold."""


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Press keys."""

    digits: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Pass the called person on to another number."""

    to_number: str


@dataclass(frozen=True, slots=True)
class Record:
    """Record from now on, or no more."""

    on: bool


Command = Hold | Resume | SendDigits | Transfer | Record


class Line(Protocol):
    """Places calls."""

    def available(self, to_number: str) -> bool:
        """Whether the line takes calls now, as far as is known without asking it."""

    def pace_of(self, from_number: str) -> Pace:
        """How many calls a second the line takes from a number, and what else it counts together with that number."""

    def place(self, placement: Placement) -> str:
        """Place a call, and return the line's id for it. Raises Refused, Throttled or OutcomeUnknown."""

    def fetch(self, leg: Leg) -> Snapshot | None:
        """Where a call is by what the line knows; `None` where it has no such call. Raises OutcomeUnknown."""

    def end(self, leg: Leg) -> None:
        """Cancel a call that rings, or hang it up. Does nothing for one that is over. Raises OutcomeUnknown."""

    def control(self, leg: Leg, command: Command) -> None:
        """Do something to a call under way. A repeated command changes nothing. Raises Refused for one that is over,
        and OutcomeUnknown. What follows from it is reported.
        """
