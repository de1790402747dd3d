"""The MCP servers of an organization that does a little of everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from switchboard.aws.writes import commit
from switchboard.mcp_servers import service, store, tool_parts
from switchboard.mcp_servers.models import McpServer, McpServerSettings, McpTool
from tests.actors import Tenant, system
from tests.fakes.mcp_servers import SCHEMA

URL = "https://tools.example.com/mcp"


def create(tenant: Tenant, label: str = "orders", credential: str | None = None, **settings: Any) -> McpServer:
    """Creates an MCP server that we dial."""
    wanted = {"label": label, "transport": "worker_streamable_http", "server_url": URL, **settings}
    if credential:
        wanted.setdefault("auth_type", "bearer")
    return service.create_server(system(tenant.org_id), McpServerSettings.model_validate(wanted), credential)


def with_tools(server: McpServer, *names: str, tools: Sequence[Mapping[str, Any]] = (), **facts: Any) -> McpServer:
    """Returns a server that has listed these tools."""
    given = tools or [{"name": name, "description": f"Tool {name}.", "parameters": SCHEMA} for name in names]
    listed = [McpTool.model_validate(tool) for tool in given]
    entries = tool_parts.list_entries(server.label, listed)
    known = server.model_dump() | {"tools": entries, "check_state": "ok", "version": server.version + 1, **facts}
    after = McpServer.model_validate(known)
    commit(store.SERVERS.save_write(after), tool_parts.replace_writes(server, entries, listed))
    return after


def live(tenant: Tenant) -> None:
    """Writes one item of each kind of MCP servers."""
    made, listed = create(tenant), [McpTool(name="look_up")]
    # Its check finds nobody, and leaves no tools. So these belong to a server without a check.
    unchecked = made.model_copy(update={"id": "mcp_unchecked"})
    commit(tool_parts.replace_writes(unchecked, tool_parts.list_entries("orders", listed), listed))
