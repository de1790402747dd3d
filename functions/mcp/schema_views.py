"""Schemas as a model reads them: references are replaced by what they name, and long or deep parts are cut."""

from __future__ import annotations

import json
from typing import Any

from functions.mcp.catalog import ApiDocument, ApiOperation, Json

#: Characters. A schema that is longer is shown with less depth, and so on.
MAX_SCHEMA_CHARACTERS = 6_000
_DEPTHS = (8, 5, 4, 3, 2, 1)
MAX_TEXT_CHARACTERS = 300
#: Members of a schema that a model does not need to fill in a value.
_LEFT_OUT = frozenset({"title", "examples", "example", "$defs", "discriminator"})
_MAPS = frozenset({"properties", "patternProperties"})
#: Members whose values are data and not schemas.
_DATA = frozenset({"enum", "const", "default", "required"})
_CUT = "There is more: see the API document."


def describe_parameters(operation: ApiOperation) -> list[Json]:
    """Returns the operation's parameters: place, name, schema, and whether they are required."""
    return [
        {
            "in": one["in"],
            "name": one["name"],
            "required": bool(one.get("required")),
            **({"description": cut_text(one["description"])} if one.get("description") else {}),
            "schema": _resolved(operation.document, one["schema"], _DEPTHS[-2]),
        }
        for one in operation.parameters
    ]


def describe_body(operation: ApiOperation) -> Json | None:
    """Returns the schema of the body, cut to `MAX_SCHEMA_CHARACTERS`. `None` without a JSON body."""
    schema = operation.body_schema
    if schema is None:
        return None
    found: Any = {}
    for depth in _DEPTHS:
        found = _resolved(operation.document, schema, depth)
        if len(json.dumps(found)) <= MAX_SCHEMA_CHARACTERS:
            break
    view: Json = found
    return view


def cut_text(text: str, longest: int = MAX_TEXT_CHARACTERS) -> str:
    """Returns a text of at most `longest` characters, with an ellipsis if it was longer."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _shortened(schema: Json) -> Json:
    """Returns the schema of a value that may be null in its short form: `{"type": ["string", "null"]}`."""
    options = schema.get("anyOf", ())
    real = [one for one in options if one != {"type": "null"}]
    if len(real) != 1 or len(options) != 2 or not isinstance(kind := real[0].get("type"), str) or "enum" in real[0]:
        return schema
    others = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**real[0], **others, "type": [kind, "null"]}


def _resolved(document: ApiDocument, node: Any, depth: int) -> Any:
    if isinstance(node, list):
        return [_resolved(document, part, depth) for part in node]
    if not isinstance(node, dict):
        return node
    schema = _shortened(document.resolve(node))
    if depth == 0:
        return {**{key: schema[key] for key in ("type", "enum", "const") if key in schema}, "description": _CUT}
    found: Json = {}
    for key, value in schema.items():
        if key in _LEFT_OUT:
            continue
        if key == "description":
            found[key] = cut_text(value)
        elif key in _MAPS:
            found[key] = {name: _resolved(document, part, depth - 1) for name, part in value.items()}
        else:
            found[key] = value if key in _DATA else _resolved(document, value, depth - 1)
    return found
