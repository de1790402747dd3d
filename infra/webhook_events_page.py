"""The page of webhook events, made from the catalogs: `python -m infra.webhook_events_page` writes it to `docs/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.webhook_operations import group_entries
from switchboard.fanout.catalogs import CATALOGS
from switchboard.webhooks.catalog import EventCatalog
from switchboard.webhooks.models import KindName

PAGE = Path(__file__).resolve().parents[1] / "docs" / "webhook-events.md"

Schema = dict[str, Any]

_HEAD = """\
# Events of webhooks

<!-- Written by `make openapi` from the catalogs in switchboard/dialects. Change the models there, not this page. -->

Each API has its own names and bodies. HUM's webhooks report the events of all APIs. `GET /api/webhooks/event-types`
returns HUM's events with the JSON Schema of each body. A later version may add fields to a body.
[Webhooks](webhooks.md) says how to receive and verify a delivery.
"""
_TITLES: dict[KindName, str] = {"anima": "Anima", "opticomm": "OptiComm", "athos": "Athos", "hum": "HUM"}


def text() -> str:
    """Return the page."""
    lines = [_HEAD]
    for kind, catalog in CATALOGS.items():
        lines += _api_section(kind, catalog())
    return "\n".join(lines).rstrip("\n") + "\n"


def _api_section(kind: KindName, catalog: EventCatalog) -> Iterator[str]:
    yield f"## {_TITLES[kind]}\n"
    yield "| event | meaning |\n|---|---|"
    yield from (f"| `{entry.name}` | {entry.about} |" for entry in catalog.entries)
    yield ""
    for alike in group_entries(catalog):
        names = ", ".join(f"`{entry.name}`" for entry in alike)
        yield f"### {_TITLES[kind]}: {names}\n"
        yield "| field | type | meaning |\n|---|---|---|"
        schema = alike[0].schema
        yield from (f"| `{name}` | {word} | {meaning} |" for name, word, meaning in _fields(schema, schema, ""))
        yield f"\n```json\n{json.dumps(alike[0].example, indent=2, ensure_ascii=False)}\n```\n"


def _fields(schema: Schema, root: Schema, above: str) -> Iterator[tuple[str, str, str]]:
    """The fields of a schema and of its nested objects: name, type and meaning."""
    required = schema.get("required", [])
    for name, given in schema.get("properties", {}).items():
        parts = [_resolved(part, root) for part in _alternatives(given)]
        # The name of the event differs between bodies that are alike.
        its_name = not above and name in ("event", "type")
        words = ["text"] if its_name else list(dict.fromkeys(_word(part, root) for part in parts))
        if name not in required:
            words.append("may be absent")
        meaning = given.get("description", "").replace("\n", " ")
        yield above + name, ", ".join([" or ".join(words[:2]), *words[2:]]), meaning
        for part in parts:
            nested = _resolved(part["items"], root) if part.get("type") == "array" else part
            below = f"{above}{name}[]." if nested is not part else f"{above}{name}."
            yield from _fields(nested, root, below)


def _alternatives(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", [schema]))


def _resolved(schema: Schema, root: Schema) -> Schema:
    found: Schema = root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _word(schema: Schema, root: Schema) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_word(_resolved(schema['items'], root), root)}s"
    if schema.get("format") == "date-time":
        return "moment"
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "flag", "null": "null"}
    return words.get(schema.get("type", ""), "object" if "properties" in schema or "type" in schema else "any JSON")


def main() -> None:
    """Write the page."""
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
