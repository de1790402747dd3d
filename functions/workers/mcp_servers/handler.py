"""Background work for MCP servers: lists their tools."""

from __future__ import annotations

from switchboard import workers
from switchboard.mcp_servers import checking
from switchboard.mcp_servers.jobs import CheckServer, RecheckServer

handler = workers.job_handler({CheckServer: checking.check_server, RecheckServer: checking.check_server})
