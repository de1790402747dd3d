"""Runs approved tools in the background, each at most once.

A run claims its approval before it calls the server. A worker that dies after the claim leaves a run that is not
repeated: some minutes later its end is recorded as unconfirmed, and the AI goes on with that.
"""

from __future__ import annotations

from switchboard import telemetry
from switchboard.accounts import stops
from switchboard.aws.writes import commit
from switchboard.kit import clock
from switchboard.mcp_servers import tools
from switchboard.messaging import activity
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers
from switchboard.tool_approvals import store
from switchboard.tool_approvals.jobs import RunApprovedTool, SettleToolRun
from switchboard.tool_approvals.models import GIVEN_UP_AFTER, SETTLED_AFTER, ApprovalState, ToolApproval
from switchboard.tool_approvals.service import finished_write, worker_origin

_LOST = "The tool was started, and its result was lost: it may have run, or not. Do not start it again by yourself."
_STOPPED = "The tool did not run: {}."
_NOT_BEGUN = "The tool could not be started, so it did not run."


def run_approved_tool(job: RunApprovedTool) -> None:
    """Runs the tool of an approval and records its result. It may run several times."""

    def claim(before: ToolApproval) -> Decision[ToolApproval]:
        if before.state is not ApprovalState.APPROVED:
            return None
        settle = SettleToolRun(org_id=before.org_id, approval_id=before.id)
        return next_version(before, state=ApprovalState.RUNNING), [
            timers.schedule(settle, clock.now() + SETTLED_AFTER).write,
            # A tool is neither a call nor a text: an unpaid subscription does not stop it.
            stops.claim_checks(before.org_id, None, sends=False),
        ]

    try:
        claimed = store.APPROVALS.change_object(job.org_id, job.approval_id, claim)
    except stops.StoppedError as stop:
        found = store.APPROVALS.get_object(job.org_id, job.approval_id)
        if found is not None and found.state is ApprovalState.APPROVED:
            _end_run(found, ApprovalState.FINISHED, tools.ToolRun(_STOPPED.format(stop), "failed"))
        return
    if claimed is None:
        telemetry.log_skip("the tool was started before", org_id=job.org_id, approval_id=job.approval_id)
        return
    run = tools.run_approved_tool(
        claimed.org_id, claimed.server_id, claimed.tool, claimed.arguments, claimed.id, claimed.fingerprint
    )
    _end_run(claimed, ApprovalState.FINISHED, run)


def settle_tool_run(job: SettleToolRun) -> None:
    """Ends a run whose result was lost, and an approved use whose job never came. It may run several times."""
    found = store.APPROVALS.get_object(job.org_id, job.approval_id)
    if found is None:
        telemetry.log_skip("the approval is gone", org_id=job.org_id, approval_id=job.approval_id)
        return
    patience = {ApprovalState.RUNNING: SETTLED_AFTER, ApprovalState.APPROVED: GIVEN_UP_AFTER}.get(found.state)
    if patience is None:
        telemetry.log_skip("the run needs no end", org_id=job.org_id, approval_id=job.approval_id)
        return
    due = clock.parse(found.updated_at) + patience
    if due > clock.now():
        # The clock of the job's sender is ahead of ours, or the run began late. Another job ends it.
        commit(timers.schedule(job, due).write)
    elif found.state is ApprovalState.RUNNING:
        _end_run(found, ApprovalState.UNCONFIRMED, tools.ToolRun(_LOST, "unknown"))
    else:
        _end_run(found, ApprovalState.FINISHED, tools.ToolRun(_NOT_BEGUN, "failed"))


def _end_run(claimed: ToolApproval, state: ApprovalState, run: tools.ToolRun) -> None:
    def decide(before: ToolApproval) -> Decision[ToolApproval]:
        if before.state is not claimed.state:
            return None
        after = next_version(before, state=state, result=run.text, outcome=run.outcome, finished_at=clock.now_iso())
        origin = worker_origin(after)
        entry = activity.tool_entry_write(origin, after.conversation_id, "tool_used", after.name, run.outcome)
        return after, [finished_write(after), entry]

    if store.APPROVALS.change_object(claimed.org_id, claimed.id, decide) is None:
        telemetry.log_skip("the run has its end", org_id=claimed.org_id, approval_id=claimed.id)
