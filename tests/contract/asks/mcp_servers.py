"""Requests for MCP servers."""

from __future__ import annotations

from itertools import count

from tests.contract.console import Console
from tests.contract.world import Ask

_NUMBERS = count(1)


def _wanted() -> dict[str, object]:
    # A label is unique in its organization.
    return {"label": f"orders-{next(_NUMBERS)}", "connector_id": "connector_orders"}


def _server(org: Console, below: str = "") -> str:
    return f"/api/mcp-servers/{org.admin.post('/api/mcp-servers', _wanted()).json()['id']}{below}"


GOOD = {
    "listMcpServers": lambda _: Ask("GET", "/api/mcp-servers"),
    "createMcpServer": lambda _: Ask("POST", "/api/mcp-servers", _wanted()),
    "getMcpServer": lambda org: Ask("GET", _server(org)),
    "updateMcpServer": lambda org: Ask("PATCH", _server(org), {"enabled": 0}),
    "deleteMcpServer": lambda org: Ask("DELETE", _server(org)),
    "checkMcpServer": lambda org: Ask("POST", _server(org, "/check")),
}
