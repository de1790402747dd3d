"""Requests for MCP servers."""

from __future__ import annotations

from itertools import count

import httpx

from switchboard.mcp_servers import service
from tests.contract.console import Console
from tests.contract.world import Ask, wait_for_status
from tests.unit.mcp_servers.life import with_tools
from tests.unit.tool_approvals.life import make_approval

_NUMBERS = count(1)
_MOST_SERVERS = 15


def _wanted() -> dict[str, object]:
    # A label is unique in its organization.
    return {"label": f"orders-{next(_NUMBERS)}", "connector_id": "connector_orders"}


def _make_room(org: Console) -> None:
    """Deletes the oldest servers: an organization has few, and many tests share one organization."""
    for old in org.admin.get("/api/mcp-servers").json()["mcp_servers"][_MOST_SERVERS:]:
        org.admin.delete(f"/api/mcp-servers/{old['id']}")


def _make_server(org: Console) -> str:
    _make_room(org)
    made: str = org.admin.post("/api/mcp-servers", _wanted()).json()["id"]
    return made


def _server(org: Console, below: str = "") -> str:
    return f"/api/mcp-servers/{_make_server(org)}{below}"


def _new_server(org: Console) -> Ask:
    _make_room(org)
    return Ask("POST", "/api/mcp-servers", _wanted())


def _get_checked(org: Console, server_id: str) -> httpx.Response:
    answer = org.admin.get(f"/api/mcp-servers/{server_id}")
    return answer if answer.json()["last_checked_at"] else httpx.Response(202)


def _changed_tool(org: Console) -> Ask:
    server_id = _make_server(org)
    # The check of a new server would end the listed tools.
    wait_for_status(lambda: _get_checked(org, server_id), 200)
    server = with_tools(service.get_server(org.org_id, server_id), "look_up", accepted_tools={})
    seen = [{"name": tool.name, "digest": tool.digest} for tool in server.tools]
    return Ask("POST", f"/api/mcp-servers/{server.id}/accept-tools", {"tools": seen})


def _approval(org: Console, below: str = "") -> str:
    return f"/api/mcp-servers/approvals/{make_approval(org.org_id).id}{below}"


GOOD = {
    "listMcpServers": lambda _: Ask("GET", "/api/mcp-servers"),
    "createMcpServer": _new_server,
    "getMcpServer": lambda org: Ask("GET", _server(org)),
    "updateMcpServer": lambda org: Ask("PATCH", _server(org), _wanted() | {"enabled": 0}),
    "deleteMcpServer": lambda org: Ask("DELETE", _server(org)),
    "listMcpToolApprovals": lambda _: Ask("GET", "/api/mcp-servers/approvals"),
    "getMcpToolApproval": lambda org: Ask("GET", _approval(org)),
    "approveMcpTool": lambda org: Ask("POST", _approval(org, "/approve")),
    "denyMcpTool": lambda org: Ask("POST", _approval(org, "/deny")),
    "acceptMcpTools": _changed_tool,
    "checkMcpServer": lambda org: Ask("POST", _server(org, "/check")),
}
