"""The port to the tools of MCP servers (Model Context Protocol) that customers run: lists them, and calls one.

The server is a stranger. It may be slow, endless, huge or hostile. So every result is data with limits, and no function
of this port raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

__all__ = [
    "LeftOutTool",
    "ListedTool",
    "ToolHints",
    "ToolListing",
    "ToolReply",
    "ToolServer",
    "call_tool",
    "list_tools",
]

#: The most tools of a server, and the limits of one: of the characters of its description, and of its schema.
MAX_TOOLS = 64
MAX_DESCRIPTION_CHARACTERS = 1_000
MAX_SCHEMA_BYTES, MAX_SCHEMA_LEVELS = 32 * 1_024, 10
#: The characters of a result that are kept.
MAX_RESULT_CHARACTERS = 4_000
#: The names of a tool that the protocol allows (2025-11-25, under Tool Names).
TOOL_NAME = r"[A-Za-z0-9_.-]{1,128}"

#: The problem of a server that lists no tool: it has answered, so the tools of before are gone.
NO_TOOLS = "It has no tools."

#: `unknown`: the request was sent and has no answer, so the tool may have run.
Outcome = Literal["done", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class ToolServer:
    """A server that we dial: its checked URL, and the headers that prove who we are."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class ToolHints(NamedTuple):
    """The statements of a server about the effects of a tool. A stranger makes them, so they decide nothing."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    open_world: bool | None = None


NO_HINTS = ToolHints()


class ListedTool(NamedTuple):
    """A tool within the limits. `parameters` is the JSON Schema of its arguments, as the server sent it."""

    name: str
    description: str
    parameters: dict[str, Any]
    hints: ToolHints = NO_HINTS


class LeftOutTool(NamedTuple):
    """A tool that is not used, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ToolListing:
    """The tools of a server. With a `problem` the list is empty or incomplete."""

    tools: Sequence[ListedTool] = ()
    left_out: Sequence[LeftOutTool] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ToolReply:
    """The result of a tool as text of at most MAX_RESULT_CHARACTERS.

    `length` is the length of the whole text. `outcome` says whether the tool did its work.
    """

    text: str
    outcome: Outcome
    length: int

    @property
    def is_cut(self) -> bool:
        """Whether the text is only the beginning."""
        return self.length > len(self.text)


def list_tools(server: ToolServer) -> ToolListing:
    """Returns the tools of a server, within half a minute. Raises nothing."""
    from switchboard.carriers.mcp_tools import client  # for cold start: few functions talk to servers

    return client.list_tools(server)


def call_tool(
    server: ToolServer, name: str, arguments: Mapping[str, Any], key: str, *, patient: bool = False
) -> ToolReply:
    """Calls a tool and returns its result, within 20 seconds, or 75 if nobody waits (`patient`). Raises nothing.

    The server gets the `key` as the header Idempotency-Key. It is the same in each repetition of this call.
    """
    from switchboard.carriers.mcp_tools import client  # for cold start: as above

    return client.call_tool(server, name, arguments, key, patient=patient)
