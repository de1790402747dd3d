"""The jobs of approvals."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class RunApprovedTool(Job, queue="tool-runs"):
    """Run the tool of an approval, once."""

    org_id: str
    approval_id: str


class SettleToolRun(Job, queue="tool-runs"):
    """End a run whose worker was killed: nobody knows whether the tool ran."""

    org_id: str
    approval_id: str


class ExpireApproval(Job, queue="tool-runs"):
    """End an approval that nobody decided about."""

    org_id: str
    approval_id: str
