"""The prompt that a replier reads, and the answer that it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from switchboard.carriers.language import HostedServer


class ThreadLine(NamedTuple):
    """One text of a conversation, as a replier reads it."""

    by_us: bool
    text: str


class ToolCall(NamedTuple):
    """A tool that a replier calls: its name, and the arguments as JSON values."""

    name: str
    arguments: dict[str, Any]


class ToolResult(NamedTuple):
    """The result of a tool: a text for the replier, and whether the tool did its work."""

    name: str
    text: str
    done: bool


class Prompt(NamedTuple):
    """The facts for an answer: the flow's instructions, the texts, the tools, and the results of tools so far."""

    organization: str
    flow_name: str
    greeting: str
    instructions: str
    outcome_schema: Mapping[str, Any] | None
    lines: Sequence[ThreadLine]
    tools: Sequence[Mapping[str, Any]]
    results: Sequence[ToolResult] = ()
    #: The MCP servers that the vendor of the model dials, if it can.
    servers: Sequence[HostedServer] = ()
    #: Whether no tool may be called any more.
    is_last: bool = False


class Answer(NamedTuple):
    """The answer of a replier: a text, tools to call first, or neither."""

    text: str | None = None
    calls: Sequence[ToolCall] = ()
