"""A topology with every function that the four contracts need: existing ones, and ones that are still missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from infra import topology
from infra.resources import READ_WRITE, Grant, Group, Queue, Schedule, Worker

_TABLES = {table.name: READ_WRITE for table in topology.TABLES}
#: The functions, queues and paths that exist. The lists below leave them out, so a new noun needs no change here.
_FUNCTIONS_NOW = {function.name for function in topology.FUNCTIONS}
_QUEUES_NOW = {queue.name for queue in topology.QUEUES}
_PATHS_NOW = {path for group in topology.GROUPS if group.api == "hum" for path in group.paths}
#: Groups of HUM and the paths that each will have below `api/`; `{id}` and `{id}/{proxy+}` make two of most.
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
    *("summaries", "voicemails", "campaigns"),
    *("billing", "imports", "exports", "numbers", "brands", "notices", "callbacks"),
)
_SCHEDULES = ("reconcile", "rollup", "retention", "invoices")

_MISSING_JOBS = tuple(name for name in _JOBS if name not in _QUEUES_NOW and f"workers/{name}" not in _FUNCTIONS_NOW)
_MISSING_SCHEDULES = tuple(name for name in _SCHEDULES if f"schedules/{name}" not in _FUNCTIONS_NOW)


def _missing_groups(names: Mapping[str, Iterable[str]]) -> tuple[Group, ...]:
    """The groups that do not exist yet, with those of their paths that no group serves yet."""
    missing = {name: tuple(path for path in paths if path not in _PATHS_NOW) for name, paths in names.items()}
    grants = frozenset({Grant.ROOT_SECRET})
    return tuple(
        Group(name, api="hum", paths=paths, tables=_TABLES, sends=("email",), grants=grants)
        for name, paths in missing.items()
        if paths and name not in _FUNCTIONS_NOW
    )


def _portal(group: Group) -> Group:
    return replace(group, paths=(*group.paths, *(path for path in _PORTAL if path not in _PATHS_NOW)))


_GROUPS = (
    *(_portal(group) if group.name == "portal" else group for group in topology.GROUPS),
    *_missing_groups({f"hum/{name}": [f"api/{path}" for path in paths] for name, paths in _HUM.items()}),
    *_missing_groups({f"callbacks/{name}": [f"callbacks/{name}/{{proxy+}}"] for name in _CALLBACKS}),
)
_WORKERS = (
    *(
        replace(worker, sends=(*worker.sends, *_MISSING_JOBS)) if worker.stream else worker
        for worker in topology.WORKERS
    ),
    *(
        Worker(f"workers/{name}", queue=name, tables=_TABLES, sends=("email",), concurrency=10)
        for name in _MISSING_JOBS
    ),
)
_TICKS = (*topology.SCHEDULES, *(Schedule(f"schedules/{name}", tables=_TABLES) for name in _MISSING_SCHEDULES))

FUNCTIONS = (*_GROUPS, *_WORKERS, *_TICKS)
TOPOLOGY: dict[str, Any] = {
    "QUEUES": (*topology.QUEUES, *(Queue(name) for name in _MISSING_JOBS)),
    "GROUPS": _GROUPS,
    "WORKERS": _WORKERS,
    "SCHEDULES": _TICKS,
    "FUNCTIONS": FUNCTIONS,
}
