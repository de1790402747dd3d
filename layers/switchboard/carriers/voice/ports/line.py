"""The port to the telephone line: places calls and controls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

#: The default time to ring before the line gives up, and the default maximum length of a call, in seconds.
RING_SECONDS, MAX_CALL_SECONDS = 60, 3_600

#: Detection of answering machines: none, report who answered, or report a machine at the end of its own message. Then
#: a message can be left. The talk begins at once in each case: nobody waits for the detection.
MachineDetection = Literal["off", "detect", "wait_for_beep"]


@dataclass(frozen=True, slots=True)
class Leg:
    """A reference to a call at the line. Without `provider_call_id` the line finds the call by our id.

    A line that cannot search by our id compares the numbers and `placed_at`, the time of the dialing. `own_number` is
    our number in the call, and `other_number` the number of the other party.
    """

    org_id: str
    call_id: str
    provider_call_id: str | None = None
    own_number: str = ""
    other_number: str = ""
    placed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A call to place. The line sends our ids back in all its reports.

    `connect` is the talker's address or instructions for the line, and `conversation_id` the talker's id of the talk.
    """

    org_id: str
    call_id: str
    from_number: str
    to_number: str
    #: The end of the time in which the call may ring. The line must drop a call that is still queued then.
    not_after: str | None = None
    ring_seconds: int = RING_SECONDS
    most_seconds: int = MAX_CALL_SECONDS
    machine: MachineDetection = "detect"
    #: Whether the line records the call. It reports the recording after the end.
    record: bool = False
    conversation_id: str | None = None
    connect: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a call at the line. `end_reason` is a value of `reports.EndReason`, set if the call is over."""

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
    """How many calls a second a line accepts (Twilio: 1 by default); `inf` means no limit.

    `counted_by` names an account whose numbers share the limit (Twilio counts so), also across tenants if they share
    the account. Without it each number has its own limit.
    """

    rate: float
    counted_by: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Put the called person on hold."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Resume a call on hold."""


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Press keys."""

    digits: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Transfer the called person to another number."""

    to_number: str


@dataclass(frozen=True, slots=True)
class SetRecording:
    """Start or stop the recording."""

    on: bool


@dataclass(frozen=True, slots=True)
class BeginMessage:
    """Stop the talk, and leave the flow's message at the machine that answered."""


Command = Hold | Resume | SendDigits | Transfer | SetRecording | BeginMessage


class Line(Protocol):
    """Places calls and controls them."""

    def is_available(self, to_number: str) -> bool:
        """Whether the line accepts calls now, as far as is known without a request."""

    def asks_for_script(self) -> bool:
        """Whether the line asks for its first script when the call is answered. The script connects it to the talk.

        Every other line gets the talk's connection with the call.
        """

    def pace_of(self, org_id: str, from_number: str) -> Pace:
        """Returns how many calls a second the line accepts from a number of ours, and the account that it counts."""

    def place_call(self, placement: Placement) -> str:
        """Places a call, and returns the line's id for it.

        Raises RefusedError, ThrottledError or OutcomeUnknownError.
        """

    def fetch_call(self, leg: Leg) -> Snapshot | None:
        """Returns the state of a call, or `None` if the line does not have it. Raises OutcomeUnknownError."""

    def end_call(self, leg: Leg) -> None:
        """Cancels a ringing call, or hangs it up. Does nothing for a call that is over. Raises OutcomeUnknownError."""

    def control_call(self, leg: Leg, command: Command) -> None:
        """Executes a command on a call in progress. A repeated command changes nothing. The line reports the result.

        Raises RefusedError for a call that is over and for a command that the line does not have, and
        OutcomeUnknownError.
        """
