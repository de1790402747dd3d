"""MCP servers in the `core` table.

| item | pk | sk |
|---|---|---|
| MCP server | `<org>#mcp-servers` | `<id>` |
| label that a server has | `<org>#mcp-labels` | `<label>` |

An organization has few servers, so one query reads all of them. A label's item makes the label unique. Descriptions
and schemas of tools are large, and are items of their own (`tool_parts`).
"""

from __future__ import annotations

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Put
from switchboard.errors import Invalid
from switchboard.kit import texts
from switchboard.mcp_servers.models import McpServer
from switchboard.persistence.collection import Collection


def _key(org_id: str, server_id: str) -> Key:
    return {"pk": f"{org_id}#mcp-servers", "sk": server_id}


def _pack(item: Item) -> Item:
    kept = {name: value for name, value in item.items() if value is not None and name != "tools"}
    return kept | {"tool_entries": texts.dump_json(item["tools"])}


def _unpack(item: Item) -> Item:
    # An older item has the tools themselves. They are listed again by the next check.
    return item | {"tools": texts.load_json(item.get("tool_entries", "[]"))}


SERVERS = Collection("core", McpServer, _key, pack=_pack, unpack=_unpack)


def list_servers(org_id: str) -> list[McpServer]:
    """Returns all servers of an organization, the oldest first."""
    query = Query(table="core", partition=f"{org_id}#mcp-servers")
    return [SERVERS.from_item(item) for item in query.read_all()]


def label_write(server: McpServer) -> Put:
    """Returns the write that takes a label. Raises Invalid at commit if another server has it."""
    item = {"pk": f"{server.org_id}#mcp-labels", "sk": server.label, "server_id": server.id}
    return Put(table="core", item=item, unless_exists=True, otherwise=_taken)


def label_delete_write(server: McpServer) -> Delete:
    """Returns the write that gives up a server's label."""
    return Delete(table="core", key={"pk": f"{server.org_id}#mcp-labels", "sk": server.label})


def _taken(_: list[Item | None]) -> Exception:
    return Invalid(
        "Another MCP server has this label: choose another one.",
        code="label_taken",
        fields={"label": "is the label of another MCP server"},
    )
