"""The jobs of approvals."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class RunApprovedTool(Job, queue="mcp-servers"):
    """Run the tool of an approval, once."""

    org_id: str
    approval_id: str


class SettleToolRun(Job, queue="mcp-servers"):
    """End a run whose worker was killed: nobody knows whether the tool ran."""

    org_id: str
    approval_id: str


class ExpireApproval(Job, queue="mcp-servers"):
    """End an approval that nobody decided about."""

    org_id: str
    approval_id: str
