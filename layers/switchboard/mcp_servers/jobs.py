"""The job of MCP servers."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class CheckServer(Job, queue="mcp-servers"):
    """List the tools of a server."""

    org_id: str
    server_id: str
