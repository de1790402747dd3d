"""The run of an approved tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.carriers import mcp_tools
from switchboard.carriers.mcp_tools import ToolReply, ToolServer
from switchboard.kit import clock
from switchboard.mcp_servers.tools import UNTRUSTED
from switchboard.team.permissions import Role
from switchboard.tool_approvals import running, service
from switchboard.tool_approvals.jobs import RunApprovedTool, SettleToolRun
from switchboard.tool_approvals.models import GIVEN_UP_AFTER, SETTLED_AFTER, ToolApproval
from tests.actors import Tenant, member, tenant
from tests.unit.mcp_servers.life import create, with_tools
from tests.unit.tool_approvals.life import list_due_times, make_approval
from tests.unit.tool_approvals.test_service import recorded


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


class Shop:
    """The customer's server, in place of the port."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: list[str] = []
        self.error: BaseException | None = None
        monkeypatch.setattr(mcp_tools, "call_tool", self.call_tool)

    def call_tool(
        self, server: ToolServer, name: str, arguments: Mapping[str, Any], key: str, *, patient: bool
    ) -> ToolReply:
        self.keys.append(key)
        if self.error:
            raise self.error
        return ToolReply(f"{name} {arguments['order']}", "done", 8)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(monkeypatch)


def approve(acme: Tenant) -> ToolApproval:
    server = with_tools(create(acme), "cancel")
    approval = make_approval(acme.org_id, server_id=server.id)
    return service.approve_tool(member(acme.org_id, Role.OPERATOR), approval.id)


def run(approval: ToolApproval) -> ToolApproval:
    running.run_approved_tool(RunApprovedTool(org_id=approval.org_id, approval_id=approval.id))
    return service.get_approval(approval.org_id, approval.id)


def settle(approval: ToolApproval) -> ToolApproval:
    running.settle_tool_run(SettleToolRun(org_id=approval.org_id, approval_id=approval.id))
    return service.get_approval(approval.org_id, approval.id)


def test_an_approved_tool_runs_once(acme: Tenant, shop: Shop) -> None:
    approval = approve(acme)
    done = run(approval)
    assert (done.state, done.outcome, done.result) == ("finished", "done", f"{UNTRUSTED}cancel 7")
    assert run(approval) == settle(approval) == done
    assert shop.keys == [approval.id]
    assert recorded(acme)[-1] == "mcp_tool.finished"


def test_nothing_runs_without_a_decision(acme: Tenant, shop: Shop) -> None:
    pending = make_approval(acme.org_id)
    assert run(pending) == settle(pending) == pending
    denied = service.deny_tool(member(acme.org_id), pending.id)
    assert run(pending) == denied
    assert shop.keys == []


def test_a_suspended_organization_runs_no_approved_tool(acme: Tenant, shop: Shop) -> None:
    approval = approve(acme)
    organizations.set_status(acme.caller(master=True), "suspended")

    ended = run(approval)

    assert shop.keys == []
    assert (ended.state, ended.outcome) == ("finished", "failed")
    assert ended.result == "The tool did not run: the organization is suspended."
    assert recorded(acme)[-1] == "mcp_tool.finished"


def test_a_run_that_is_lost_is_not_repeated(acme: Tenant, shop: Shop, frozen: clock.FrozenClock) -> None:
    approval = approve(acme)
    shop.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run(approval)
    shop.error = None
    assert run(approval).state == settle(approval).state == "running"
    frozen.advance(minutes=3)
    lost = settle(approval)
    assert (lost.state, lost.outcome) == ("unconfirmed", "unknown")
    assert "may have run" in str(lost.result)
    assert run(approval) == lost
    assert shop.keys == [approval.id]
    assert recorded(acme).count("mcp_tool.finished") == 1


def test_an_approved_use_whose_job_never_comes_has_an_end(acme: Tenant, shop: Shop, frozen: clock.FrozenClock) -> None:
    approval = approve(acme)
    assert settle(approval).state == "approved"
    frozen.advance(minutes=14)
    ended = settle(approval)
    assert (ended.state, ended.outcome) == ("finished", "failed")
    assert run(approval) == ended
    assert shop.keys == []


def test_an_end_that_comes_a_moment_early_comes_again(acme: Tenant, shop: Shop, frozen: clock.FrozenClock) -> None:
    approval = approve(acme)
    shop.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run(approval)
    begun = clock.now()
    frozen.advance(minutes=2, seconds=59)
    assert settle(approval).state == "running"
    job = SettleToolRun(org_id=approval.org_id, approval_id=approval.id)
    due = clock.format_iso(begun + SETTLED_AFTER)
    assert list_due_times(job) == [due, due, clock.format_iso(begun + GIVEN_UP_AFTER)]
    frozen.advance(seconds=1)
    assert settle(approval).state == "unconfirmed"
