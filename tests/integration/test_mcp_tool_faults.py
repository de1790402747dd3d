"""Tools of MCP servers under faults: killed between any two AWS calls, each approved tool runs at most once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from switchboard.aws import queues
from switchboard.carriers import mcp_tools
from switchboard.carriers.mcp_tools import ListedTool, ToolListing, ToolReply, ToolServer
from switchboard.errors import Conflict
from switchboard.kit import clock
from switchboard.kit.jobs import Job
from switchboard.mcp_servers import service as mcp_servers
from switchboard.mcp_servers.jobs import CheckServer
from switchboard.mcp_servers.models import McpServer
from switchboard.team.permissions import Role
from switchboard.tool_approvals import service
from switchboard.tool_approvals.jobs import RunApprovedTool, SettleToolRun
from switchboard.tool_approvals.models import ToolApproval
from tests.actors import Tenant, member, tenant
from tests.fakes.mcp_servers import SCHEMA
from tests.integration.sabotage import Sabotage, run_worker
from tests.unit.contacts.book import list_workflow_events
from tests.unit.mcp_servers.life import create, with_tools
from tests.unit.tool_approvals.life import make_approval

CHECKS, RUNS = "workers/mcp_servers", "workers/tool_runs"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


class Shop:
    """The customer's server, in place of the port."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def list_tools(self, _: ToolServer) -> ToolListing:
        return ToolListing([ListedTool("cancel", "Cancels.", SCHEMA)])

    def call_tool(
        self, _: ToolServer, name: str, arguments: Mapping[str, Any], key: str, *, patient: bool
    ) -> ToolReply:
        self.keys.append(key)
        return ToolReply("done", "done", 4)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop()
    monkeypatch.setattr(mcp_tools, "list_tools", made.list_tools)
    monkeypatch.setattr(mcp_tools, "call_tool", made.call_tool)
    return made


def queue(job: Job) -> None:
    queues.send_messages([job.to_message()])


def count_events(approval: ToolApproval, name: str) -> int:
    found = list_workflow_events(approval.org_id, approval.correlation_id)
    return sum(event.type == name and event.subject.id == approval.id for event in found)


def test_a_worker_killed_anywhere_runs_each_tool_at_most_once(
    acme: Tenant, shop: Shop, frozen: clock.FrozenClock
) -> None:
    saboteur, server, ada = Sabotage(), with_tools(create(acme), "cancel"), member(acme.org_id)
    states, ended, after = set(), False, 0
    while not ended:
        approval = make_approval(acme.org_id, server_id=server.id)
        service.approve_tool(ada, approval.id)
        queue(RunApprovedTool(org_id=acme.org_id, approval_id=approval.id))
        with saboteur.killing(after):
            run_worker(RUNS)
            ended = True
        run_worker(RUNS)
        frozen.advance(minutes=3)
        queue(SettleToolRun(org_id=acme.org_id, approval_id=approval.id))
        run_worker(RUNS)
        after += 1
        found = service.get_approval(acme.org_id, approval.id)
        states.add(found.state)
        assert (found.state == "finished") is (found.outcome == "done")
        assert shop.keys.count(approval.id) <= 1
        assert count_events(approval, "mcp_tool.finished") == 1
    assert states == {"finished", "unconfirmed"}
    assert after > 4


def test_two_members_who_decide_at_once_decide_once(acme: Tenant) -> None:
    saboteur, ada, grace = Sabotage(), member(acme.org_id), member(acme.org_id, Role.OPERATOR, "Grace")
    first = make_approval(acme.org_id)
    with saboteur.counting() as calls:
        service.approve_tool(ada, first.id)
    for after in range(len(calls)):
        approval = make_approval(acme.org_id)

        def deny(approval: ToolApproval = approval) -> None:
            service.deny_tool(grace, approval.id)

        with saboteur.meeting(after, deny), pytest.raises(Conflict):
            service.approve_tool(ada, approval.id)
        assert service.get_approval(acme.org_id, approval.id).decided_by_name == "Grace"
        assert (count_events(approval, "mcp_tool.approved"), count_events(approval, "mcp_tool.denied")) == (0, 1)


def test_a_worker_killed_anywhere_lists_the_tools(acme: Tenant, shop: Shop) -> None:
    saboteur = Sabotage()

    def queued(number: int) -> McpServer:
        made = create(acme, f"s{number}")
        queue(CheckServer(org_id=made.org_id, server_id=made.id))
        return made

    ended, after = False, 0
    while not ended:
        made = queued(after)
        with saboteur.killing(after):
            run_worker(CHECKS)
            ended = True
        run_worker(CHECKS)
        after += 1
        assert [tool.name for tool in mcp_servers.get_server(made.org_id, made.id).tools] == ["cancel"]
    assert after > 2
