"""Reports of voice providers about calls, in our own terms, and the port that receives their callbacks.

A provider sends callbacks repeatedly, late and in any order. So a report must be true in any order: turns are
numbered, and states that can alternate (hold and resume) have the provider's `sequence`. `at` is the time of the
provider's clock. Reading a callback needs no request to another system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from switchboard.kit.jobs import QueueMessage

#: The queue of the worker that applies reports.
REPORTS_QUEUE = "voice-events"


class EndReason(StrEnum):
    """The reason why a call ended."""

    COMPLETED = "completed"
    CALLER_HANGUP = "caller_hangup"
    AGENT_HANGUP = "agent_hangup"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    UNREACHABLE = "unreachable"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    BLOCKED = "blocked"
    #: The call waited too long for one of the organization's concurrent calls, or for its turn on a number.
    CONCURRENCY_LIMIT = "concurrency_limit"
    RATE_LIMIT = "rate_limit"
    #: The caller of a call in talked to nobody. `BUSY` then means that all lines of the organization were busy.
    NO_FLOW = "no_flow"
    SUSPENDED = "suspended"
    SPENDING_CAP = "spending_cap"
    UNAVAILABLE = "unavailable"
    AFTER_HOURS = "after_hours"


class Turn(BaseModel):
    """A spoken turn. `number` orders the turns, because reports arrive in any order.

    A turn that is not `final` has the text understood so far. The final turn with the same number replaces it.
    """

    model_config = ConfigDict(frozen=True)

    number: int = Field(ge=0, le=99_999)
    speaker: str
    text: str
    start_ms: int
    end_ms: int
    final: bool = True


class ToolUse(BaseModel):
    """A call of a tool by the agent, with its result."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    result: str | None = None
    status: str = "completed"
    start_ms: int
    duration_ms: int | None = None


class Recording(BaseModel):
    """A recording that the provider stores, and its length in seconds. A `voicemail` is a message of the caller."""

    model_config = ConfigDict(frozen=True)

    id: str
    url: str
    duration_seconds: int
    voicemail: bool = False


#: Kinds of the line: ringing, answered, machine (who answered, detected after the answer), hold, resumed, transferred,
#: dtmf, recorded, not_recorded (the caller left no message), transcribed (the text of a recording), ended. Kinds of the
#: talk: turn, tool, opt_out (the person asked the talker for no more calls),
#: analyzed.
ReportKind = Literal[
    "ringing",
    "answered",
    "machine",
    "hold",
    "resumed",
    "transferred",
    "dtmf",
    "recorded",
    "not_recorded",
    "transcribed",
    "ended",
    "turn",
    "tool",
    "opt_out",
    "analyzed",
]


class Report(BaseModel):
    """A provider's report about a call.

    `call_id` is our own id, `provider_call_id` the line's, and `provider_conversation_id` the talker's. `outcome` is
    the result of the talk's analysis: `success`, `failure` or `unknown`.
    """

    model_config = ConfigDict(frozen=True)

    org_id: str
    call_id: str
    kind: ReportKind
    provider_call_id: str | None = None
    provider_conversation_id: str | None = None
    #: The provider's rising number of the call's events. Without it the time orders them.
    sequence: int | None = None
    at: str | None = None
    end_reason: EndReason | None = None
    duration_seconds: int | None = None
    #: The SIP code of the end, if the provider reports it.
    sip_code: int | None = None
    answered_by: str | None = None
    outcome: str | None = None
    summary: str | None = None
    turn: Turn | None = None
    tool: ToolUse | None = None
    #: The keys that the called person pressed (`dtmf`).
    digits: str | None = None
    #: The number to which the call was transferred (`transferred`).
    to: str | None = None
    recording: Recording | None = None
    #: The text of a recording, and the recording's id (`transcribed`).
    text: str | None = None
    recording_id: str | None = None


def report_messages(reports: Iterable[Report]) -> list[QueueMessage]:
    """Returns the messages with reports for the worker that applies them."""
    return [
        QueueMessage(queue=REPORTS_QUEUE, body=report.model_dump(mode="json", exclude_none=True), group=report.org_id)
        for report in reports
    ]


class SignedCallback(Protocol):
    """A callback as it arrived."""

    @property
    def url(self) -> str:
        """The public URL, as the provider was given it."""

    @property
    def body(self) -> bytes:
        """The raw bytes."""

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """The parameters of a form, in order."""

    def header(self, name: str) -> str:
        """Returns the value of a header, by its name in lower case. Empty if it is missing or ambiguous."""


class UnreadableCallbackError(ValueError):
    """A callback has a valid signature but not the provider's format."""


class Receiver(Protocol):
    """Receives a provider's callbacks. Its methods use only the request and cached secrets."""

    def verify_signature(self, request: SignedCallback) -> str | None:
        """Returns the provider's account that signed the request, or `None` for an invalid signature."""

    def read_reports(self, request: SignedCallback) -> list[Report]:
        """Returns the reports of a verified callback; the route makes the response. Raises UnreadableCallbackError."""
