"""The MCP servers of an organization that does a little of everything."""

from __future__ import annotations

from typing import Any

from switchboard.aws.writes import commit
from switchboard.mcp_servers import service, store
from switchboard.mcp_servers.models import McpServer, McpServerSettings
from tests.actors import Tenant, system
from tests.fakes.mcp_servers import SCHEMA

URL = "https://tools.example.com/mcp"


def create(tenant: Tenant, label: str = "orders", credential: str | None = None, **settings: Any) -> McpServer:
    """Creates an MCP server that we dial."""
    wanted = {"label": label, "transport": "worker_streamable_http", "server_url": URL, **settings}
    if credential:
        wanted.setdefault("auth_type", "bearer")
    return service.create_server(system(tenant.org_id), McpServerSettings.model_validate(wanted), credential)


def with_tools(server: McpServer, *names: str, **facts: Any) -> McpServer:
    """Returns a server that has listed these tools."""
    tools = [{"name": name, "description": f"Tool {name}.", "parameters": SCHEMA} for name in names]
    after = McpServer.model_validate(
        server.model_dump() | {"tools": tools, "check_state": "ok", "version": server.version + 1, **facts}
    )
    commit(store.SERVERS.save_write(after))
    return after


def live(tenant: Tenant) -> None:
    """Writes one item of each kind of MCP servers."""
    create(tenant)
