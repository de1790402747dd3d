"""The port to whoever talks in a call: its voice, what it is told, and what was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from switchboard.carriers.voice.line import Placement
from switchboard.carriers.voice.reports import ToolUse, Turn


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of the catalogue: how it sounds, and what it suits, in a word each."""

    id: str
    name: str
    tier: str
    language: str
    gender: str
    descriptors: tuple[str, ...] = ()
    use_cases: tuple[str, ...] = ("phone calls",)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A talk to lead. The talker sends our ids back with everything that it reports.

    `provider_agent_id` is the talker's own agent, where there is one; `prompt` and the greeting take the place of that
    agent's, and `variables` stand for `{{name}}` in both. `opt_out_key` is the key by which a person
    asks for no more calls.
    """

    org_id: str
    call_id: str
    to_number: str
    voice_id: str
    greeting: str
    agent_name: str
    opt_out_key: str
    provider_agent_id: str | None = None
    prompt: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """A talk that is ready. `connect` is what the line connects to: an address, or instructions that it carries out.

    `conversation_id` is missing where the talker tells it later; a report that names it is then the first to do so.
    """

    conversation_id: str | None = None
    connect: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A call that was placed: its id at the line, and its id at the talker."""

    provider_call_id: str
    conversation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the talker knows of a talk. `outcome` is there once it has been analyzed."""

    turns: tuple[Turn, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    outcome: str | None = None
    summary: str | None = None


class Talker(Protocol):
    """Talks in calls."""

    def voices(self) -> list[Voice]:
        """The voices that an agent can have."""

    def analyzes(self) -> bool:
        """Whether an analysis of each talk is reported after its end."""

    def open(self, conversation: Conversation) -> Opened:
        """Make ready to talk. Raises Refused, Throttled or OutcomeUnknown."""

    def call(self, conversation: Conversation, placement: Placement) -> Placed | None:
        """Open a talk and place its call, where the talker does both in one. `None` where it has no line.

        Raises Refused, Throttled or OutcomeUnknown.
        """

    def transcript(self, org_id: str, call_id: str, conversation_id: str | None) -> Transcript | None:
        """What was said, by what the talker knows; `None` where it has no such talk. Raises OutcomeUnknown."""

    def close(self, org_id: str, call_id: str, conversation_id: str | None) -> None:
        """Drop a talk whose call was not placed. Does nothing for one that is over. Raises OutcomeUnknown."""
