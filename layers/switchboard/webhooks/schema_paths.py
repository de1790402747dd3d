"""Finds out whether a JSON Schema has a place for the path of a placeholder, such as `data.summary.key_points.0`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: The longest path, in names. Our own schemas are far less deep, so a longer path leads into a part without a schema.
_MAX_NAMES = 64

Schema = dict[str, Any]


def has_path(schema: Schema, path: str) -> bool:
    """Whether a value that fits the schema may have something at a path. A part without a schema may have anything."""
    found = [schema]
    for name in path.split(".")[:_MAX_NAMES]:
        plain = [part for one in found for part in _alternatives(one, schema)]
        if any(_is_open(part) for part in plain):
            return True
        found = [below for part in plain for below in _step(part, name)]
    return bool(found)


def _alternatives(schema: Schema, root: Schema) -> Iterator[Schema]:
    """Yields the schema, or the alternatives that it leads to."""
    if "$ref" in schema:
        yield from _alternatives(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
        return
    below = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    if not below:
        yield schema
    for one in below:
        yield from _alternatives(one, root)


def _is_open(schema: Schema) -> bool:
    """Whether a schema says nothing about its values."""
    return not {"type", "properties", "items", "const", "enum"} & schema.keys()


def _step(schema: Schema, name: str) -> Iterator[Schema]:
    if name.isascii() and name.isdigit() and "items" in schema:
        yield schema["items"]
    if name in schema.get("properties", {}):
        yield schema["properties"][name]
    elif schema.get("type") == "object":
        more = schema.get("additionalProperties", "properties" not in schema)
        if more is not False:
            yield more if isinstance(more, dict) else {}
