"""Requests for calls, their tags and their notes."""

from __future__ import annotations

from tests.contract.console import Console
from tests.contract.world import Ask
from tests.unit.call_records.desk import save_call


def _call(org: Console, below: str = "") -> str:
    return f"/api/calls/{save_call(org.org_id).id}{below}"


def _tag(org: Console) -> str:
    path = _call(org, "/tags")
    org.admin.post(path, {"name": "Call back"})
    return f"{path}/call%20back"


def _note(org: Console) -> str:
    return f"/api/notes/{org.operator.post(_call(org, '/notes'), {'body': 'Noon.'}).json()['note']['id']}"


GOOD = {
    "listCalls": lambda _: Ask("GET", "/api/calls"),
    "getCall": lambda org: Ask("GET", _call(org)),
    "updateCallReadState": lambda org: Ask("PATCH", _call(org), {"is_read": True}),
    "streamCallEvents": lambda org: Ask("GET", _call(org, "/stream")),
    "streamEvents": lambda _: Ask("GET", "/api/events/stream"),
    "recordCallView": lambda org: Ask("POST", _call(org, "/view")),
    "markAllCallsRead": lambda _: Ask("POST", "/api/calls/mark-all-read"),
    "getUnreadCounts": lambda _: Ask("GET", "/api/unread-counts"),
    "listTags": lambda _: Ask("GET", "/api/tags"),
    "listCallTags": lambda org: Ask("GET", _call(org, "/tags")),
    "createCallTag": lambda org: Ask("POST", _call(org, "/tags"), {"name": "Call back", "color": "#2563eb"}),
    "deleteCallTag": lambda org: Ask("DELETE", _tag(org)),
    "listCallNotes": lambda org: Ask("GET", _call(org, "/notes")),
    "createCallNote": lambda org: Ask("POST", _call(org, "/notes"), {"body": "Promised to call back."}),
    "deleteNote": lambda org: Ask("DELETE", _note(org)),
}
