"""What the providers of a call report of it, in our own words, and how their callbacks are taken.

A provider calls back more than once, late and in any order. So a report says what is true whatever was reported before
it: turns are numbered, and what can go to and fro (hold and resume) has the provider's `sequence`. `at` is the time of
the provider's clock. Reading a callback asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from switchboard.aws.queue import Message

#: The queue of the worker that applies them.
QUEUE = "voice-events"


class EndReason(StrEnum):
    """Why a call ended: a fixed vocabulary."""

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
    #: It waited in vain for one of the organization's concurrent calls, or for its turn on a number.
    CONCURRENCY_LIMIT = "concurrency_limit"
    RATE_LIMIT = "rate_limit"


class Turn(BaseModel):
    """Something that was said. `number` orders the turns, whatever order they are reported in.

    A turn that is not `final` is what was understood so far; the final one of its number takes its place.
    """

    model_config = ConfigDict(frozen=True)

    number: int = Field(ge=0, le=99_999)
    speaker: str
    text: str
    start_ms: int
    end_ms: int
    final: bool = True


class ToolUse(BaseModel):
    """Something that the agent did besides talking: a tool that it called, and what came of it."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    result: str | None = None
    status: str = "completed"
    start_ms: int
    duration_ms: int | None = None


class Recording(BaseModel):
    """A recording that the provider keeps, and for how many seconds it runs."""

    model_config = ConfigDict(frozen=True)

    id: str
    url: str
    duration_seconds: int


#: Of the line: ringing, answered, machine (who answered, found out after the answer), hold, resumed, transferred, dtmf,
#: recorded, ended. Of the talk: turn, tool, opt_out (the talker was asked for no more calls), analyzed.
Kind = Literal[
    "ringing",
    "answered",
    "machine",
    "hold",
    "resumed",
    "transferred",
    "dtmf",
    "recorded",
    "ended",
    "turn",
    "tool",
    "opt_out",
    "analyzed",
]


class Report(BaseModel):
    """One thing that a provider reports of a call.

    `call_id` is our own, `provider_call_id` the line's, `provider_conversation_id` the talker's. `outcome` is what the
    analysis of the talk says: `success`, `failure` or `unknown`.
    """

    model_config = ConfigDict(frozen=True)

    org_id: str
    call_id: str
    kind: Kind
    provider_call_id: str | None = None
    provider_conversation_id: str | None = None
    #: The provider's own order of the call's events, which rises. Without one, the time orders them.
    sequence: int | None = None
    at: str | None = None
    end_reason: EndReason | None = None
    duration_seconds: int | None = None
    #: SIP's code for the end, where the provider tells it.
    sip_code: int | None = None
    answered_by: str | None = None
    outcome: str | None = None
    summary: str | None = None
    turn: Turn | None = None
    tool: ToolUse | None = None
    #: The keys that the called person pressed (`dtmf`).
    digits: str | None = None
    #: Whom the call was passed on to (`transferred`).
    to: str | None = None
    recording: Recording | None = None


def messages(reports: Iterable[Report]) -> list[Message]:
    """The messages that hand reports to the worker that applies them."""
    return [
        Message(queue=QUEUE, body=report.model_dump(mode="json", exclude_none=True), group=report.org_id)
        for report in reports
    ]


class SignedRequest(Protocol):
    """A callback as it arrived."""

    @property
    def url(self) -> str:
        """The public URL, as the provider was given it."""

    @property
    def body(self) -> bytes:
        """The raw bytes."""

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """A form's parameters in their order."""

    def header(self, name: str) -> str:
        """The value of a header, by its name in lower case. Empty where it is missing or ambiguous."""


class Unreadable(ValueError):
    """A callback is signed, and is not of the provider's form."""


class Receiver(Protocol):
    """Takes a provider's callbacks. Both are functions of what arrived and of secrets that the process remembers."""

    def verify(self, request: SignedRequest) -> str | None:
        """The provider's account that signed the request, or `None`."""

    def read(self, request: SignedRequest) -> list[Report]:
        """What a verified callback reports. The route answers what its provider needs to hear. Raises Unreadable."""
