"""Asks for approvals of tools, lists them, and records what a person decides.

Each approval moves once: two people who decide at the same time meet in the item's version, and the second one gets
the decision of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from switchboard import telemetry
from switchboard.aws.writes import Put, Writes, commit
from switchboard.errors import Conflict, NotFound
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, SystemActor
from switchboard.kit import clock, ids, texts
from switchboard.messaging import activity
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.persistence.optimistic import AlreadyRecordedError, Decision
from switchboard.team.models import Member
from switchboard.timers import service as timers
from switchboard.tool_approvals import store
from switchboard.tool_approvals.jobs import ExpireApproval, RunApprovedTool, SettleToolRun
from switchboard.tool_approvals.models import (
    APPROVED_STATES,
    GIVEN_UP_AFTER,
    LIFETIME,
    ApprovalState,
    ToolApproval,
    ToolRequest,
)


def request_approval(request: ToolRequest, asked_at: str) -> ToolApproval:
    """Asks for the approval of a tool's use. A turn that is repeated finds the approval of its first run.

    `asked_at` is the time of the text that the AI was answering.
    """
    told = texts.dump_json(sorted(request.arguments.items()))
    parts = (request.org_id, request.conversation_id, request.message_id, request.server_id, request.tool, told)
    now, due = clock.now_iso(), clock.now() + LIFETIME
    approval_id = ids.derive_id("apr", int(clock.parse(asked_at).timestamp() * 1000), *parts)
    timer = timers.schedule(ExpireApproval(org_id=request.org_id, approval_id=approval_id), due)
    approval = ToolApproval(
        **request.model_dump(),
        id=approval_id,
        expires_at=clock.format_iso(due),
        timer=timer.ref,
        created_at=now,
        updated_at=now,
    )
    origin = worker_origin(approval)
    try:
        commit(
            replace(store.APPROVALS.create_write(approval), otherwise=AlreadyRecordedError),
            _event_write(origin, approval, "mcp_tool.approval_requested"),
            activity.tool_entry_write(origin, approval.conversation_id, "tool_approval_requested", approval.name),
            timer.write,
        )
    except AlreadyRecordedError:
        telemetry.log_skip("the approval was asked for before", org_id=request.org_id, approval_id=approval_id)
        return get_approval(request.org_id, approval_id)
    return approval


def get_approval(org_id: str, approval_id: str) -> ToolApproval:
    """Returns an approval of an organization. Raises NotFound."""
    found = store.APPROVALS.get_object(org_id, approval_id)
    if found is None:
        raise NotFound("There is no such approval: check its id.")
    return found


def find_approvals(places: Sequence[tuple[str, str]]) -> list[ToolApproval | None]:
    """Returns the approvals of up to 100 pairs of organization and id, in the same order, for a worker."""
    return store.APPROVALS.get_objects(places)


def list_approvals(
    org_id: str, state: ApprovalState | None, limit: int, after: str | None
) -> tuple[list[ToolApproval], str | None]:
    """Returns a page of the organization's approvals, the newest first, and the cursor of the next page."""
    return store.list_approvals(org_id, [state.value] if state else [], limit, after)


def approve_tool(member: Member, approval_id: str, effect: IdempotencyKey | None = None) -> ToolApproval:
    """Lets a tool run, once and in the background. Raises NotFound, Conflict, Contended."""

    def decide(before: ToolApproval) -> Decision[ToolApproval]:
        if before.state in APPROVED_STATES:
            return None
        _require_open(before)
        after = next_version(before, state=ApprovalState.APPROVED, **_decision_of(member))
        ids_of = {"org_id": before.org_id, "approval_id": before.id}
        return after, [
            _event_write(member, after, "mcp_tool.approved"),
            *_ending_writes(member, before, "tool_approved"),
            timers.job_write(RunApprovedTool(**ids_of)),
            timers.schedule(SettleToolRun(**ids_of), clock.now() + GIVEN_UP_AFTER).write,
        ]

    changed = store.APPROVALS.change_object(member.org_id, approval_id, decide, once=effect)
    return changed or get_approval(member.org_id, approval_id)


def deny_tool(member: Member, approval_id: str, effect: IdempotencyKey | None = None) -> ToolApproval:
    """Refuses the use of a tool. The AI gets to know it. Raises NotFound, Conflict, Contended."""

    def decide(before: ToolApproval) -> Decision[ToolApproval]:
        if before.state is ApprovalState.DENIED:
            return None
        _require_open(before)
        refused = {"result": "A person of the team refused this use of the tool.", "outcome": "failed"}
        after = next_version(before, state=ApprovalState.DENIED, **_decision_of(member), **refused)
        return after, [
            _event_write(member, after, "mcp_tool.denied"),
            *_ending_writes(member, before, "tool_denied"),
        ]

    changed = store.APPROVALS.change_object(member.org_id, approval_id, decide, once=effect)
    return changed or get_approval(member.org_id, approval_id)


def expire_approval(job: ExpireApproval) -> None:
    """Ends an approval that nobody decided about. It may run several times."""

    def decide(before: ToolApproval) -> Decision[ToolApproval]:
        if before.state is not ApprovalState.PENDING:
            return None
        due = clock.parse(before.expires_at)
        if due > clock.now():
            # The clock of the timer's sender is ahead of ours. Without another job the approval would never end.
            again = timers.schedule(job, due)
            return next_version(before, timer=again.ref), again.write
        after = next_version(before, state=ApprovalState.EXPIRED)
        origin = worker_origin(after)
        return after, [
            _event_write(origin, after, "mcp_tool.expired"),
            activity.tool_entry_write(origin, after.conversation_id, "tool_approval_expired", after.name),
        ]

    if store.APPROVALS.change_object(job.org_id, job.approval_id, decide) is None:
        telemetry.log_skip("the approval is gone or decided", org_id=job.org_id, approval_id=job.approval_id)


def _require_open(approval: ToolApproval) -> None:
    """Raises Conflict unless a person may decide about an approval."""
    if approval.state is ApprovalState.EXPIRED or (
        approval.state is ApprovalState.PENDING and clock.parse(approval.expires_at) <= clock.now()
    ):
        raise Conflict("The approval has expired: the tool did not run.", code="approval_expired")
    if approval.state is not ApprovalState.PENDING:
        said = "denied" if approval.state is ApprovalState.DENIED else "approved"
        raise Conflict(f"Another member has {said} this use already.", code="already_decided")


def _decision_of(member: Member) -> dict[str, Any]:
    return {"decided_by": member.actor.id, "decided_by_name": member.user.name, "decided_at": clock.now_iso()}


def _ending_writes(member: Member, before: ToolApproval, kind: activity.ToolEntryKind) -> list[Writes]:
    entry = activity.tool_entry_write(member, before.conversation_id, kind, before.name)
    return [entry, timers.cancel_writes(before.timer)]


def worker_origin(approval: ToolApproval) -> SystemActor:
    """Returns the platform as the actor, in the workflow of the text that the AI was answering."""
    return SystemActor(
        org_id=approval.org_id,
        actor=Actor(type="system", id="tool_approvals"),
        agent_id=None,
        correlation_id=approval.correlation_id,
    )


def _event_write(origin: Origin, approval: ToolApproval, type_: str, **more: Any) -> Put:
    subject = Subject(type="tool_approval", id=approval.id, version=approval.version)
    facts = {"server": approval.server_id, "tool": texts.to_code(approval.tool)}
    return events.new_event_write(origin, type_, subject, conversation=approval.conversation_id, **facts, **more)


def finished_write(approval: ToolApproval) -> Put:
    """Returns the write of the event that a run has ended."""
    return _event_write(worker_origin(approval), approval, "mcp_tool.finished", outcome=str(approval.outcome))
