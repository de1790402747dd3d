"""The catalog of OptiComm's callbacks: each event name with its description, JSON Schema and example."""

from __future__ import annotations

from functools import cache
from typing import Any

from switchboard.dialects.opticomm.webhook_bodies import CallbackBody
from switchboard.webhooks.body_schemas import make_example, typed_schema
from switchboard.webhooks.catalog import CatalogEntry, EventCatalog
from switchboard.webhooks.event_names import event_types

_ABOUT = {
    "call.initiated": "A call was accepted for dialing.",
    "call.completed": "A call ended after an answer.",
    "call.failed": "A call ended without an answer.",
}
_SAMPLES: dict[str, Any] = {
    "call_id": "call_01jd0000000000000000000001",
    "conversation_id": "conv_01jd0000000000000000000001",
    "request_id": "order-1042",
    "agent_id": "agt_01jd0000000000000000000001",
    "phone_number": "+14155550142",
    "created_at": "2026-01-15T16:58:26.000Z",
    "timestamp": "2026-01-15T17:00:00.000Z",
    "completed_at": "2026-01-15T17:00:00.000Z",
    "sequence": 2,
    "error_message": None,
}
_OF_NAME: dict[str, dict[str, Any]] = {
    "call.initiated": {
        "status": "pending",
        "duration_seconds": None,
        "outcome": None,
        "completed_at": None,
        "timestamp": "2026-01-15T16:58:26.000Z",
        "sequence": 1,
    },
    "call.completed": {"status": "completed", "duration_seconds": 90, "outcome": "booked"},
    "call.failed": {
        "status": "failed",
        "duration_seconds": 0,
        "outcome": "no_answer",
        "error_message": "Nobody answered.",
    },
}


@cache
def catalog() -> EventCatalog:
    """Returns the catalog."""
    return EventCatalog("opticomm", tuple(_entry(name) for name in event_types("opticomm")))


def _entry(name: str) -> CatalogEntry:
    schema = typed_schema(CallbackBody, event=name)
    return CatalogEntry(name, _ABOUT[name], schema, make_example(schema, _SAMPLES | _OF_NAME[name]))
