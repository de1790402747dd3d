"""MCP servers of customers, and the uses of their tools that a person has to approve."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, EventType


class McpServerCreated(TypedDict):
    transport: Annotated[Code, "Who dials the server: `hosted` or `worker_streamable_http`."]
    auth_type: Annotated[Code, "How the server recognizes us."]


class McpServerUpdated(TypedDict):
    fields: Annotated[list[Code], "The fields that changed, without their values."]


class McpServerChecked(TypedDict):
    state: Annotated[Code, "The result: `ok`, `limited`, `failed` or `not_dialed`."]
    tools: Annotated[Count, "The number of tools that can be used."]


TYPES = (
    EventType("mcp_server.created", "A member added an MCP server.", "mcp_server", McpServerCreated),
    EventType("mcp_server.updated", "A member changed an MCP server.", "mcp_server", McpServerUpdated),
    EventType("mcp_server.deleted", "A member deleted an MCP server.", "mcp_server"),
    EventType("mcp_server.check_requested", "A member asked for a check of an MCP server.", "mcp_server"),
    EventType("mcp_server.checked", "The tools of an MCP server were listed.", "mcp_server", McpServerChecked),
)
