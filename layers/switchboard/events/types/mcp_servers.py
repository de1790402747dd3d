"""MCP servers of customers, and the uses of their tools that a person has to approve."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, EventType, Id


class McpServerCreated(TypedDict):
    transport: Annotated[Code, "The side that dials the server: `hosted` or `worker_streamable_http`."]
    auth_type: Annotated[Code, "How the server recognizes us."]


class McpServerUpdated(TypedDict):
    fields: Annotated[list[Code], "The fields that changed, without their values."]


class McpServerChecked(TypedDict):
    state: Annotated[Code, "The result: `ok`, `limited`, `failed` or `not_dialed`."]
    tools: Annotated[Count, "The number of tools that can be used."]
    changed: Annotated[Count, "The number of tools that have changed since they were accepted."]


class McpToolsAccepted(TypedDict):
    tools: Annotated[Count, "The number of changed tools that the member accepted."]


class McpToolUse(TypedDict):
    conversation: Annotated[Id, "The conversation in which the AI wants to use the tool."]
    server: Annotated[Id, "The MCP server."]
    tool: Annotated[Code, "The name of the tool at its server."]


class McpToolFinished(McpToolUse):
    outcome: Annotated[Code, "`done`, `failed`, or `unknown` if the result was lost."]


def _tool(name: str, about: str, data: type = McpToolUse, starts: tuple[str, ...] = ()) -> EventType:
    return EventType(name, about, "tool_approval", data, channel="sms", starts=starts, webhooks={"hum": name})


TYPES = (
    EventType("mcp_server.created", "A member added an MCP server.", "mcp_server", McpServerCreated),
    EventType("mcp_server.updated", "A member changed an MCP server.", "mcp_server", McpServerUpdated),
    EventType("mcp_server.deleted", "A member deleted an MCP server.", "mcp_server"),
    EventType("mcp_server.check_requested", "A member asked for a check of an MCP server.", "mcp_server"),
    EventType("mcp_server.tools_accepted", "A member accepted changed tools.", "mcp_server", McpToolsAccepted),
    EventType("mcp_server.checked", "The tools of an MCP server were listed.", "mcp_server", McpServerChecked),
    _tool("mcp_tool.approval_requested", "The AI wants to use a tool that needs a person's approval."),
    _tool("mcp_tool.approved", "A member let a tool run."),
    _tool("mcp_tool.denied", "A member refused the use of a tool.", starts=("replies",)),
    _tool("mcp_tool.expired", "Nobody decided about the use of a tool in time."),
    _tool("mcp_tool.finished", "The run of an approved tool ended.", McpToolFinished, starts=("replies",)),
)
