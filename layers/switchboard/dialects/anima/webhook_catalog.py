"""The catalog of Anima's webhooks: each event name with its description, JSON Schema and example."""

from __future__ import annotations

from functools import cache
from typing import Any

from switchboard.dialects.anima.webhook_bodies import CallEventBody, EveryBody, MailEventBody
from switchboard.events import registry
from switchboard.events.types.base import EventType
from switchboard.webhooks.body_schemas import Schema, make_example, row_schema, typed_schema
from switchboard.webhooks.catalog import CatalogEntry, EventCatalog
from switchboard.webhooks.event_names import event_types, types_of

_BODIES: dict[str, Any] = {"call": CallEventBody, "message": MailEventBody}
_IDS = {"agent": "agentId", "webhook": "webhookId", "webhook_delivery": "webhookId"}
_ABOUT = {"call.ended": "A call ended, also one that was busy or that nobody answered."}

_SAMPLES: dict[str, Any] = {
    "occurredAt": "2026-01-15T17:00:00.000Z",
    "correlationId": "corr_01jd0000000000000000000001",
    "messageId": "msg_01jd0000000000000000000001",
    "agentId": "agt_01jd0000000000000000000001",
    "callId": "call_01jd0000000000000000000001",
    "webhookId": "wh_01jd0000000000000000000001",
    "webhook_id": "wh_01jd0000000000000000000001",
    "threadId": "thr_01jd0000000000000000000001",
    "direction": "OUTBOUND",
    "fromAddress": "front-desk@example.com",
    "toAddress": "ada@example.com",
    "recipients": ["ada@example.com"],
    "subject": "Your appointment",
    "spf": "PASS",
    "dkim": "PASS",
    "dmarc": "PASS",
    "from": "+14155550128",
    "to": "+14155550142",
    "tier": "basic",
    "endReason": "completed",
    "error": None,
    "durationSeconds": 90,
    "startedAt": "2026-01-15T16:58:26.000Z",
    "answeredAt": "2026-01-15T16:58:30.000Z",
    "endedAt": "2026-01-15T17:00:00.000Z",
    "slug": "front-desk",
    "kind": "anima",
    "reason": "gone",
    "told": "message.sent",
    "attempts": 10,
    "status": 503,
}
_RECEIVED = {
    "direction": "INBOUND",
    "fromAddress": "ada@example.com",
    "toAddress": "front-desk@example.com",
    "recipients": ["front-desk@example.com"],
}


@cache
def catalog() -> EventCatalog:
    """Returns the catalog."""
    return EventCatalog("anima", tuple(_entry(name) for name in event_types("anima")))


def _entry(name: str) -> CatalogEntry:
    row = registry.TYPES[types_of("anima", name)[0]]
    schema = _schema(name, row)
    example = make_example(schema, _SAMPLES | (_RECEIVED if name == "message.received" else {}))
    if name.startswith("message.") and name != "message.received":
        example.pop("verdicts")
    return CatalogEntry(name, _ABOUT.get(name, row.about), schema, example)


def _schema(name: str, row: EventType) -> Schema:
    if row.subject in _BODIES:
        return typed_schema(_BODIES[row.subject], event=name)
    found, data = typed_schema(EveryBody, event=name), row_schema(row.data)
    # A body of such an event has the plain facts of the event, and no nulls.
    id_ = _IDS[row.subject]
    found["properties"] |= {id_: {"type": "string"}, **{key: _not_null(part) for key, part in _plain(data)}}
    found["required"] += [id_, *(key for key, part in _plain(data) if "anyOf" not in part)]
    return found


def _plain(data: Schema) -> list[tuple[str, Schema]]:
    parts = data.get("properties", {}).items()
    return [(key, part) for key, part in parts if part.get("type") not in ("array", "object")]


def _not_null(schema: Schema) -> Schema:
    (kept,) = [part for part in schema.get("anyOf", [schema]) if part != {"type": "null"}]
    return {**kept, **{key: value for key, value in schema.items() if key == "description"}}
