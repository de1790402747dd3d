"""Runs the tools of MCP servers that a person approved, and ends approvals that nobody decided about.

Not by the worker that lists tools: the slow servers of one organization must not hold up the approved tools of others.
"""

from __future__ import annotations

from switchboard import workers
from switchboard.tool_approvals import running, service
from switchboard.tool_approvals.jobs import ExpireApproval, RunApprovedTool, SettleToolRun

handler = workers.job_handler(
    {
        RunApprovedTool: running.run_approved_tool,
        SettleToolRun: running.settle_tool_run,
        ExpireApproval: service.expire_approval,
    }
)
