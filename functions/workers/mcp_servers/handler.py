"""Background work for MCP servers: lists their tools, and runs the tools that a person approved."""

from __future__ import annotations

from switchboard import workers
from switchboard.mcp_servers import checking
from switchboard.mcp_servers.jobs import CheckServer
from switchboard.tool_approvals import running, service
from switchboard.tool_approvals.jobs import ExpireApproval, RunApprovedTool, SettleToolRun

handler = workers.job_handler(
    {
        CheckServer: checking.check_server,
        RunApprovedTool: running.run_approved_tool,
        SettleToolRun: running.settle_tool_run,
        ExpireApproval: service.expire_approval,
    }
)
