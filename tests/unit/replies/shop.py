"""A customer's MCP server in the turns of the AI, for tests, and the entries of its tools in the activity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from switchboard.carriers import mcp_tools
from switchboard.carriers.mcp_tools import ToolReply, ToolServer
from switchboard.messaging import store
from tests.unit.replies.talks import Talk


class Shop:
    """The customer's server, in place of the port. `before_reply` happens while it works."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.called: list[tuple[str, Mapping[str, Any]]] = []
        self.keys: list[str] = []
        self.before_reply: Callable[[], None] = lambda: None
        monkeypatch.setattr(mcp_tools, "call_tool", self.call_tool)

    def call_tool(self, server: ToolServer, name: str, arguments: Mapping[str, Any], key: str) -> ToolReply:
        self.called.append((name, arguments))
        self.keys.append(key)
        self.before_reply()
        text = f"order {arguments['order']}: {name}"
        return ToolReply(text, "done", len(text))


def entries(talk: Talk) -> list[tuple[str, str | None, str | None]]:
    """The entries of tools in the activity, the oldest first."""
    found = store.list_activity(talk.org_id, talk.id, 20, None)[0]
    return [(entry.kind, entry.note, entry.after) for entry in reversed(found) if entry.kind.startswith("tool")]
