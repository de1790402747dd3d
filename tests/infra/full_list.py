"""A topology with every function that the four contracts need: existing ones, and ones that are still missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infra import topology
from infra.resources import READ_WRITE, Grant, Group, Queue, Schedule, Worker

_TABLES = {table.name: READ_WRITE for table in topology.TABLES}
#: Groups of HUM and their future paths below `api/`. Most have two: `{id}` and `{id}/{proxy+}`.
_HUM = {
    "calls": (
        "calls",
        "calls/{id}",
        "calls/{id}/{proxy+}",
        "calls/{id}/stream",
        "tags",
        "tags/{proxy+}",
        "notes/{proxy+}",
    ),
    "outbound": ("outbound/{proxy+}",),
    "insights": ("dashboard", "analytics/{proxy+}", "unread-counts"),
    "flows": ("flows", "flows/{proxy+}"),
    "numbers": ("numbers", "numbers/{proxy+}"),
    "voicemails": ("voicemails", "voicemails/{proxy+}"),
    "sms": ("sms/conversations", "sms/conversations/{proxy+}", "sms/opt-outs/{proxy+}", "sms/scheduled/{proxy+}"),
    "campaigns": ("sms/campaigns", "sms/campaigns/{proxy+}"),
    "webhooks": ("webhooks", "webhooks/{proxy+}"),
    "triggers": ("triggers", "triggers/{proxy+}"),
    "brands": ("brands", "brands/{proxy+}"),
    "mcp": ("mcp", "mcp/{proxy+}"),
    "billing": ("billing", "billing/{proxy+}"),
    "widgets": ("widgets", "widgets/{proxy+}"),
}
_PORTAL = ("live", "live/{proxy+}", "widget.js")
_CALLBACKS = ("twilio", "elevenlabs", "stripe", "widget")
_JOBS = (
    *("sms", "ai", "transcripts", "summaries", "voicemails", "campaigns", "media"),
    *("billing", "imports", "exports", "numbers", "brands", "analytics", "notices", "callbacks"),
)
_SCHEDULES = ("reconcile", "rollup", "retention", "invoices")


def _group(name: str, api: str, *paths: str) -> Group:
    return Group(name, api=api, paths=paths, tables=_TABLES, sends=("email",), grants=frozenset({Grant.ROOT_SECRET}))


_GROUPS = (
    *(replace(group, paths=(*group.paths, *_PORTAL)) if group.name == "portal" else group for group in topology.GROUPS),
    *(_group(f"hum/{name}", "hum", *(f"api/{path}" for path in paths)) for name, paths in _HUM.items()),
    *(_group(f"callbacks/{name}", "hum", f"callbacks/{name}/{{proxy+}}") for name in _CALLBACKS),
)
_WORKERS = (
    *(replace(worker, sends=(*worker.sends, *_JOBS)) if worker.stream else worker for worker in topology.WORKERS),
    *(Worker(f"workers/{name}", queue=name, tables=_TABLES, sends=("email",), concurrency=10) for name in _JOBS),
)
_TICKS = (*topology.SCHEDULES, *(Schedule(f"schedules/{name}", tables=_TABLES) for name in _SCHEDULES))

FUNCTIONS = (*_GROUPS, *_WORKERS, *_TICKS)
TOPOLOGY: dict[str, Any] = {
    "QUEUES": (*topology.QUEUES, *(Queue(name) for name in _JOBS)),
    "GROUPS": _GROUPS,
    "WORKERS": _WORKERS,
    "SCHEDULES": _TICKS,
    "FUNCTIONS": FUNCTIONS,
}
