"""The port to the voice AI that talks in a call: its voices, its conversations and their transcripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from switchboard.carriers.voice.ports.line import Placement
from switchboard.carriers.voice.ports.reports import ToolUse, Turn

#: The heading of the facts about one call that may stand at the end of a prompt. They are for the agent alone.
CONTEXT_HEADING = "# Task context"


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of the catalog. `descriptors` describe its sound, and `use_cases` its uses, in a word or two each."""

    id: str
    name: str
    tier: str
    language: str
    gender: str
    descriptors: tuple[str, ...] = ()
    use_cases: tuple[str, ...] = ("phone calls",)


@dataclass(frozen=True, slots=True)
class TalkTool:
    """A tool that the talker may use while it talks. `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A talk to hold. The talker sends our ids back in all its reports.

    `provider_agent_id` is the talker's own agent, if there is one. `prompt` and `greeting` replace the texts of that
    agent, and `variables` replace `{{name}}` in both. `opt_out_key` is the key that a person presses to opt out.

    `to_number` is the number of the other party, who called us if the talk is `inbound`. `transfer_labels` are the
    places to which the talker may hand the caller, and with `takes_messages` it may offer to take a message. It asks
    the platform to run one of the `tools` (`ports.tools`).
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
    inbound: bool = False
    transfer_labels: tuple[str, ...] = ()
    takes_messages: bool = False
    tools: tuple[TalkTool, ...] = ()


@dataclass(frozen=True, slots=True)
class TalkConnection:
    """A talk that is ready. `connect` is an address for the line to connect to, or instructions for the line.

    `conversation_id` is missing if the talker sends it later. Then the first report with it sets the id.
    """

    conversation_id: str | None = None
    connect: str = ""


@dataclass(frozen=True, slots=True)
class ProviderCallIds:
    """A placed call: its id at the line, and its id at the talker.

    `connect` is the talk's connection, if the line asks for it when the call is answered.
    """

    provider_call_id: str
    conversation_id: str | None = None
    connect: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The talker's record of a talk. `outcome` is set when the talk is analyzed."""

    turns: tuple[Turn, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    outcome: str | None = None
    summary: str | None = None


class Talker(Protocol):
    """Talks in calls."""

    def list_voices(self) -> list[Voice]:
        """Returns the voices that an agent may use."""

    def reports_analysis(self) -> bool:
        """Whether the talker reports an analysis of each talk after its end."""

    def open_talk(self, conversation: Conversation) -> TalkConnection:
        """Prepares a talk. Raises RefusedError, ThrottledError or OutcomeUnknownError."""

    def call_with_talk(self, conversation: Conversation, placement: Placement) -> ProviderCallIds | None:
        """Opens a talk and places its call, if the talker has its own line. Returns `None` if it does not.

        Raises RefusedError, ThrottledError or OutcomeUnknownError.
        """

    def fetch_transcript(self, org_id: str, call_id: str, conversation_id: str | None) -> Transcript | None:
        """Returns the transcript of a talk, or `None` if the talker does not have the talk.

        Raises OutcomeUnknownError.
        """

    def close_talk(self, org_id: str, call_id: str, conversation_id: str | None) -> None:
        """Closes a talk whose call was not placed. Does nothing for a talk that is over. Raises OutcomeUnknownError."""
