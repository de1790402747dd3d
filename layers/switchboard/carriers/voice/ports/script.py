"""Instructions for a line that received a call: plain steps, in the order in which the line executes them.

A step that ends with a result names the callback that gets the result (`then`). The answer to that callback is the next
script. A line without further steps hangs up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: The callbacks in a call, by the last part of their path.
Then = Literal["after-talk", "after-dial", "after-record"]


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the call before it is answered. Nothing is said, and the caller's line is not charged."""


@dataclass(frozen=True, slots=True)
class Say:
    """Say a text in a language."""

    text: str
    language: str = "en-US"


@dataclass(frozen=True, slots=True)
class Play:
    """Play a sound file."""

    url: str


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record the call from here on, under a name. The recording is reported after its end."""

    name: str = "call"


@dataclass(frozen=True, slots=True)
class StopRecording:
    """End the recording with this name. Nothing happens if it does not run."""

    name: str = "call"


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect the caller to a talker. `connect` is the talker's address, or its own instructions for this line.

    `talk` counts the talks of the call from 0.
    """

    org_id: str
    call_id: str
    connect: str
    talk: int = 0
    then: Then = "after-talk"


@dataclass(frozen=True, slots=True)
class Dial:
    """Ring another number and connect the caller to it."""

    to_number: str
    caller_id: str
    ring_seconds: int
    most_seconds: int
    then: Then = "after-dial"


@dataclass(frozen=True, slots=True)
class Record:
    """Record a message of the caller, after a beep."""

    max_seconds: int
    transcribe: bool = False
    then: Then = "after-record"


@dataclass(frozen=True, slots=True)
class Redirect:
    """Ask for the next script at a callback."""

    then: Then


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Instruction = Reject | Say | Play | StartRecording | StopRecording | Connect | Dial | Record | Redirect | Hangup
Script = tuple[Instruction, ...]
