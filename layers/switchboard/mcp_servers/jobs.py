"""The jobs of MCP servers."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class CheckServer(Job, queue="mcp-servers"):
    """List the tools of a server."""

    org_id: str
    server_id: str


class RecheckServer(Job, queue="mcp-servers"):
    """List the tools of a server again, some hours after its last check."""

    org_id: str
    server_id: str
