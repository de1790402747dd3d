"""The tools of servers are kept in parts, so a turn of the AI reads little more than the tools that it is offered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.hum.mcp_servers.schemas import McpServerList, McpServerSummary
from switchboard.aws import reads
from switchboard.mcp_servers import checking, service, store, tool_parts, tools
from switchboard.mcp_servers.models import McpServer, McpTool
from tests.actors import Tenant, system, tenant
from tests.integration.sabotage import scan_items
from tests.unit.mcp_servers.life import create, with_tools


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def tool(number: int, size: int) -> dict[str, Any]:
    return {"name": f"t{number}", "description": "d", "parameters": {"type": "object", "description": "x" * size}}


def large_server(acme: Tenant, label: str, **facts: Any) -> McpServer:
    """A server with as many bytes of tools as one may have."""
    return with_tools(create(acme, label), tools=[tool(number, 3_000) for number in range(60)], **facts)


def list_parts(acme: Tenant) -> list[str]:
    pk = f"{acme.org_id}#mcp-tools#"
    return [item["sk"]["S"] for item in scan_items("core") if item["pk"]["S"].startswith(pk)]


def test_the_tools_are_listed_in_their_order_after_each_replacement(acme: Tenant) -> None:
    made = large_server(acme, "orders")
    assert [one.name for one in service.list_tools(made)] == [f"t{number}" for number in range(60)]
    assert len(list_parts(acme)) > 10
    again = with_tools(made, "look_up")
    assert ([one.name for one in service.list_tools(again)], list_parts(acme)) == (["look_up"], ["000"])
    service.update_server(system(acme.org_id), made.id, {"label": "shop"})
    assert list_parts(acme) == []


def test_a_deleted_server_leaves_no_part(acme: Tenant) -> None:
    made = large_server(acme, "orders")
    service.delete_server(system(acme.org_id), made.id)
    assert list_parts(acme) == []


def test_the_largest_tools_fit_into_one_commit() -> None:
    half = [tool(number, tool_parts.PART_BYTES // 2) for number in range(checking.MAX_TOOLS_BYTES * 2 // 12_000)]
    server = McpServer(id="mcp_1", org_id="org_1", label="orders", created_at="", updated_at="")
    listed = [McpTool.model_validate(one) for one in half]
    entries = tool_parts.list_entries("orders", listed)
    before = server.model_copy(update={"tools": entries})
    # The server, its event and the checks of the change stand beside them: a commit has at most 100 writes.
    assert len(tool_parts.replace_writes(server, entries, listed)) <= 40
    assert len(tool_parts.replace_writes(before, [], [])) <= 40


def test_a_turn_reads_the_tools_that_it_is_offered(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(service.MAX_SERVERS):
        large_server(acme, f"s{number:02d}", require_approval_default="never")
    read: list[int] = []
    original = reads.get_items

    def get_items(table: str, keys: Any) -> Any:
        found = original(table, keys)
        read.append(sum(len(json.dumps(item)) for item in found if item))
        return found

    monkeypatch.setattr(reads, "get_items", get_items)
    offered = tools.list_offered_tools(acme.org_id, None)
    assert len(offered) > 10
    assert sum(read) < 2 * checking.MAX_OFFERED_BYTES
    # The servers themselves, with the entries of 1,200 tools.
    assert sum(len(json.dumps(store.SERVERS.to_item(one))) for one in store.list_servers(acme.org_id)) < 150_000


def test_the_list_of_all_servers_fits_into_a_response(acme: Tenant) -> None:
    quotes = [tool(number, 0) | {"description": '"' * 1_000, "name": f"{number:064d}"} for number in range(64)]
    names = json.dumps([one["name"] for one in quotes] * 4)
    made = with_tools(create(acme), tools=quotes, allowed_tools_json=names, auto_approve_tools_json=names)
    shown = McpServerList(mcp_servers=[McpServerSummary.of(made)] * service.MAX_SERVERS)
    # API Gateway gets the body as a JSON text within JSON, and Lambda returns 6 MB at most.
    assert len(json.dumps({"body": shown.model_dump_json()})) < 3_000_000
