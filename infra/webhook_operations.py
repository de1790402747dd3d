"""Webhooks and callbacks in the OpenAPI documents: what the platform sends to receivers, made from the catalogs.

A webhook of an API is an entry of `webhooks`. A call of OptiComm names its own URL, so its callbacks stand at the
operation. Events whose bodies have the same fields share a schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from switchboard.edge.openapi import DocumentError
from switchboard.fanout.catalogs import CATALOGS
from switchboard.webhooks.catalog import CatalogEntry, EventCatalog
from switchboard.webhooks.kinds import WEBHOOK_KINDS, WebhookKind
from switchboard.webhooks.models import KindName

Json = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
#: The operation and the place of the URL in its body, for kinds that have no registration.
_CALLBACKS: dict[KindName, tuple[str, str]] = {"opticomm": ("externalApiAction", "{$request.body#/webhook_url}")}
#: A signature of the example is that of the example of Standard Webhooks.
_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
_HEX = "2f1d0c3b4a59687786950a1b2c3d4e5f60718293a4b5c6d7e8f9010203040506"
_STANDARD = {
    "webhook-id": ("The id of the delivery. It is the same in each attempt.", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
    "webhook-timestamp": ("When this attempt was signed, in seconds since 1970.", "1614265330"),
    "webhook-signature": (
        (
            "HMAC-SHA256 over `id.timestamp.body` in base64, after `v1,`. The key is the secret after `whsec_`, "
            "decoded from base64. While two secrets overlap, it holds a signature of each, with a space between."
        ),
        _SIGNATURE,
    ),
    "webhook-sequence": ("Orders the deliveries about one object.", "3"),
}
#: The headers of each API's own contract (`webhooks/signing.py`).
_OWN: dict[KindName, dict[str, tuple[str, str]]] = {
    "anima": {
        "X-Anima-Signature": ("HMAC-SHA256 over `timestamp.body` in hex; the key is the whole secret.", f"v1={_HEX}"),
        "X-Anima-Timestamp": ("When this attempt was signed.", "2026-01-15T17:00:00.000Z"),
        "X-Anima-Event": ("The name of the event.", "message.delivered"),
        "X-Anima-Delivery-Id": ("The same as `webhook-id`.", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
    },
    "hum": {
        "X-HUM-Signature": ("HMAC-SHA256 over the body in hex; the key is the whole secret.", f"sha256={_HEX}"),
        "X-HUM-Event": ("The name of the event.", "call.completed"),
    },
    "athos": {
        "X-Athos-Signature": (
            "HMAC-SHA256 over `t.body` in hex; the key is the whole secret.",
            f"t=1614265330,v1={_HEX}",
        ),
        "X-Athos-Webhook-Id": ("The same as `webhook-id`.", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
    },
    "opticomm": {},
}


def add_webhooks(document: Json, kind: KindName) -> None:
    """Adds what the platform sends to receivers to a document, with its schemas and headers."""
    catalog, components = CATALOGS[kind](), document["components"]
    headers = _STANDARD | _OWN[kind]
    for name, (text, example) in headers.items():
        components["parameters"][_component_name(name)] = {
            "name": name,
            "in": "header",
            "required": True,
            "description": text,
            "schema": {"type": "string"},
            "example": example,
        }
    parameters = [{"$ref": f"#/components/parameters/{_component_name(name)}"} for name in headers]
    common = {"security": [], "parameters": parameters, "responses": _responses(WEBHOOK_KINDS[kind])}
    if kind in _CALLBACKS:
        operation_id, url = _CALLBACKS[kind]
        operation = _find_operation(document, operation_id)
        operation["callbacks"] = {"callProgress": {url: {"post": _describe_callback(catalog, components) | common}}}
    else:
        webhooks = document["webhooks"] = {}
        tag = "Webhooks" if any(one["name"] == "Webhooks" for one in document["tags"]) else document["tags"][-1]["name"]
        for group in group_entries(catalog):
            reference = _add_schema(group, components)
            for entry in group:
                webhooks[entry.name] = {"post": _describe_webhook(entry, tag, reference) | common}
        document["webhooks"] = dict(sorted(webhooks.items()))
    components["schemas"] = dict(sorted(components["schemas"].items()))


def group_entries(catalog: EventCatalog) -> list[list[CatalogEntry]]:
    """Returns the entries whose bodies have the same fields, together."""
    found: dict[str, list[CatalogEntry]] = {}
    for entry in catalog.entries:
        shape = json.dumps(entry.schema).replace(json.dumps(entry.name), '""')
        found.setdefault(shape, []).append(entry)
    return list(found.values())


def _describe_webhook(entry: CatalogEntry, tag: str, reference: Json) -> Json:
    return {
        "tags": [tag],
        "summary": entry.about,
        "operationId": f"on{_class_name(entry.name)}",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": reference, "example": entry.example}},
        },
    }


def _describe_callback(catalog: EventCatalog, components: Json) -> Json:
    """Returns the one callback of a kind, with an example for each event."""
    groups = group_entries(catalog)
    references = [_add_schema(group, components) for group in groups]
    return {
        "summary": "The call began or ended",
        "description": "Sent to `webhook_url`. " + " ".join(f"`{one.name}`: {one.about}" for one in catalog.entries),
        "operationId": "onCallProgress",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": references[0] if len(references) == 1 else {"oneOf": references},
                    "examples": {one.name: {"summary": one.about, "value": one.example} for one in catalog.entries},
                }
            },
        },
    }


def _responses(kind: WebhookKind) -> Json:
    waits = ", ".join(_words(wait) for wait in kind.schedule[1:])
    retry = f"The delivery is sent again after {waits}"
    retry += ", or when `Retry-After` says." if kind.patient else "."
    return {
        "2XX": {"description": f"The delivery arrived. Answer within {kind.timeout_ms // 1000} seconds."},
        "410": {"description": "The webhook is disabled."},
        "default": {"description": f"A failure, also a redirect. {retry}"},
    }


def _words(wait: timedelta) -> str:
    seconds = int(wait.total_seconds())
    for size, unit in ((3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _add_schema(group: Sequence[CatalogEntry], components: Json) -> Json:
    """Adds the schema of a group's bodies, and returns the reference to it."""
    names = [entry.name for entry in group]
    own = _class_name(names[0] if len(names) == 1 else names[0].partition(".")[0]) + "Event"
    schema = json.loads(json.dumps(group[0].schema))
    schema.pop("$schema", None)
    parts = schema.pop("$defs", {})
    renamed = {f"#/$defs/{part}": _SCHEMAS + own + part.removesuffix("View") for part in parts}
    _refer(schema, renamed)
    if len(names) > 1:
        field = next(field for field in schema["properties"].values() if field.get("const") == names[0])
        del field["const"]
        field |= {"type": "string", "enum": names}
    schema.setdefault("description", f"The body of {', '.join(f'`{name}`' for name in names)}.")
    found = {own: schema}
    for part, given in parts.items():
        _refer(given, renamed)
        found[own + part.removesuffix("View")] = given
    if taken := found.keys() & components["schemas"].keys():
        raise DocumentError(f"{sorted(taken)} are schemas of the API already: rename its models")
    components["schemas"] |= found
    return {"$ref": _SCHEMAS + own}


def _refer(node: Any, renamed: dict[str, str]) -> None:
    """Gives the references of a schema their new places."""
    if isinstance(node, dict):
        if node.get("$ref") in renamed:
            node["$ref"] = renamed[node["$ref"]]
        for part in node.values():
            _refer(part, renamed)
    elif isinstance(node, list):
        for part in node:
            _refer(part, renamed)


def _find_operation(document: Json, operation_id: str) -> Json:
    return next(one for one in _operations(document) if one["operationId"] == operation_id)


def _operations(document: Json) -> Iterator[Json]:
    return (one for item in document["paths"].values() for one in item.values())


def _class_name(event: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+", event))


def _component_name(header: str) -> str:
    return "".join(part[0].upper() + part[1:] for part in header.split("-"))
