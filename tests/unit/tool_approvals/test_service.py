"""Approvals of tools: asked for once, decided once."""

from __future__ import annotations

import pytest

from switchboard.errors import Conflict, NotFound
from switchboard.kit import clock
from switchboard.messaging import store as messaging_store
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from switchboard.tool_approvals import service
from switchboard.tool_approvals.jobs import ExpireApproval
from switchboard.tool_approvals.models import ApprovalState, ToolApproval
from tests.actors import Tenant, member, tenant
from tests.unit.contacts.book import list_workflow_events
from tests.unit.tool_approvals.life import list_due_times, make_approval, make_request


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR)


def recorded(acme: Tenant) -> list[str]:
    return [event.type for event in list_workflow_events(acme.org_id, "corr_test") if event.type.startswith("mcp_tool")]


def entries(acme: Tenant) -> list[tuple[str, str, str | None]]:
    """The activity of the conversation, the oldest first."""
    found = messaging_store.list_activity(acme.org_id, "cnv_1", 10, None)[0]
    return [(entry.kind, entry.actor_name or entry.actor, entry.note) for entry in reversed(found)]


def expire(approval: ToolApproval) -> None:
    service.expire_approval(ExpireApproval(org_id=approval.org_id, approval_id=approval.id))


def test_a_turn_that_is_repeated_asks_once(acme: Tenant) -> None:
    wanted = make_request(acme.org_id)
    first, again = (service.request_approval(wanted, "2026-01-15T17:00:00Z") for _ in range(2))
    other = service.request_approval(wanted.model_copy(update={"arguments": {"order": 8}}), "2026-01-15T17:00:00Z")
    assert first == again
    assert other.id != first.id
    assert recorded(acme) == ["mcp_tool.approval_requested"] * 2
    assert service.list_approvals(acme.org_id, ApprovalState.PENDING, 10, None)[0] == sorted(
        [first, other], key=lambda one: one.id, reverse=True
    )


def test_an_approval_is_decided_by_one_member(acme: Tenant, ada: Member) -> None:
    approval, grace = make_approval(acme.org_id), member(acme.org_id, Role.ADMIN, "Grace")
    approved = service.approve_tool(ada, approval.id)
    assert (approved.state, approved.decided_by_name, approved.decided_at) == ("approved", "Ada", clock.now_iso())
    assert service.approve_tool(grace, approval.id) == approved
    with pytest.raises(Conflict) as refused:
        service.deny_tool(grace, approval.id)
    assert refused.value.code == "already_decided"
    assert recorded(acme) == ["mcp_tool.approval_requested", "mcp_tool.approved"]
    assert entries(acme) == [
        ("tool_approval_requested", "tool_approvals", "orders__cancel"),
        ("tool_approved", "Ada", "orders__cancel"),
    ]


def test_a_denied_use_never_runs(acme: Tenant, ada: Member) -> None:
    approval = make_approval(acme.org_id)
    denied = service.deny_tool(ada, approval.id)
    assert (denied.state, denied.outcome) == ("denied", "failed")
    assert denied.result
    assert service.deny_tool(ada, approval.id) == denied
    with pytest.raises(Conflict):
        service.approve_tool(ada, approval.id)
    assert recorded(acme) == ["mcp_tool.approval_requested", "mcp_tool.denied"]


def test_an_approval_expires_after_a_day(acme: Tenant, ada: Member, frozen: clock.FrozenClock) -> None:
    approval, decided = make_approval(acme.org_id), make_approval(acme.org_id)
    service.approve_tool(ada, decided.id)
    expire(approval)
    assert service.get_approval(acme.org_id, approval.id).state == "pending"
    frozen.advance(hours=24)
    with pytest.raises(Conflict) as refused:
        service.approve_tool(ada, approval.id)
    assert refused.value.code == "approval_expired"
    for one in (approval, approval, decided):
        expire(one)
    assert service.get_approval(acme.org_id, approval.id).state == "expired"
    assert service.get_approval(acme.org_id, decided.id).state == "approved"
    with pytest.raises(Conflict):
        service.deny_tool(ada, approval.id)
    assert recorded(acme).count("mcp_tool.expired") == 1


def test_a_job_that_comes_a_moment_early_still_ends_the_approval(acme: Tenant, frozen: clock.FrozenClock) -> None:
    approval = make_approval(acme.org_id)
    job = ExpireApproval(org_id=approval.org_id, approval_id=approval.id)
    frozen.advance(hours=23, minutes=59, seconds=59)
    expire(approval)
    assert service.get_approval(acme.org_id, approval.id).state == "pending"
    assert list_due_times(job) == [approval.expires_at] * 2
    frozen.advance(seconds=1)
    expire(approval)
    assert service.get_approval(acme.org_id, approval.id).state == "expired"


def test_another_organization_finds_nothing(acme: Tenant, ada: Member) -> None:
    foreign = make_approval(tenant("other").org_id)
    for act in (service.approve_tool, service.deny_tool):
        with pytest.raises(NotFound):
            act(ada, foreign.id)
    assert service.list_approvals(acme.org_id, None, 10, None) == ([], None)
