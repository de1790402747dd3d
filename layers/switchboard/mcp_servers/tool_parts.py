"""The descriptions and schemas of the tools of MCP servers, in the `core` table.

| item | pk | sk |
|---|---|---|
| part of a server's tools | `<org>#mcp-tools#<server>` | `<part>` |

The tools of a server have up to 200 KB, and a turn of the AI is offered 40 KB of the tools of all servers. So they are
kept in parts of some kilobytes, and a turn reads the parts of the tools that it is offered. The server's own item has
an entry for each tool. A commit replaces all parts with the entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Put
from switchboard.kit import texts
from switchboard.mcp_servers.models import McpServer, McpTool, ToolEntry

#: A part takes tools up to this size, and at least one. 200 KB of tools have at most 34 parts: they fit into a commit.
PART_BYTES = 12_000


def _key(org_id: str, server_id: str, part: int) -> Key:
    return {"pk": f"{org_id}#mcp-tools#{server_id}", "sk": f"{part:03d}"}


def list_entries(label: str, tools: Sequence[McpTool]) -> list[ToolEntry]:
    """Returns the entries of a server's tools, with their parts."""
    entries: list[ToolEntry] = []
    part, filled = 0, 0
    for tool in tools:
        size = len(json.dumps(tool.describe(label)).encode())
        if filled and filled + size > PART_BYTES:
            part, filled = part + 1, 0
        filled += size
        entries.append(ToolEntry(name=tool.name, size=size, part=part))
    return entries


def replace_writes(before: McpServer, entries: Sequence[ToolEntry], tools: Sequence[McpTool]) -> list[Put | Delete]:
    """Returns the writes that replace the tools of a server, for the commit that stores its new entries."""
    parts: dict[int, list[McpTool]] = {}
    for entry, tool in zip(entries, tools, strict=True):
        parts.setdefault(entry.part, []).append(tool)
    puts = [Put(table="core", item=_item_of(before, part, found)) for part, found in parts.items()]
    return [*puts, *delete_writes(before, kept=parts)]


def _item_of(server: McpServer, part: int, tools: Iterable[McpTool]) -> Item:
    # Schemas are JSON of a stranger.
    kept = texts.dump_json([tool.model_dump() for tool in tools])
    return {**_key(server.org_id, server.id, part), "tools": kept}


def delete_writes(server: McpServer, kept: Iterable[int] = ()) -> list[Delete]:
    """Returns the writes that delete the parts of a server, except the `kept` ones."""
    gone = sorted({entry.part for entry in server.tools} - set(kept))
    return [Delete(table="core", key=_key(server.org_id, server.id, part)) for part in gone]


def list_tools(server: McpServer) -> list[McpTool]:
    """Returns all tools of a server, in the order of the server."""
    if not server.tools:
        return []
    found = Query(table="core", partition=_key(server.org_id, server.id, 0)["pk"]).read_all()
    return [tool for item in found for tool in _tools_of(item)]


def find_tools(wanted: Sequence[tuple[McpServer, ToolEntry]]) -> Mapping[tuple[str, str], McpTool]:
    """Returns the tools of up to 100 entries, by the id of their server and their name.

    A tool is missing if a check has replaced the tools since the server was read.
    """
    places = {(server.id, entry.part): _key(server.org_id, server.id, entry.part) for server, entry in wanted}
    items = reads.get_items("core", list(places.values())) if places else []
    return {
        (server_id, tool.name): tool
        for (server_id, _), item in zip(places, items, strict=True)
        if item
        for tool in _tools_of(item)
    }


def _tools_of(item: Item) -> list[McpTool]:
    return [McpTool.model_validate(tool) for tool in texts.load_json(item["tools"])]
