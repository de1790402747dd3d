"""A refusal of a body speaks of the caller's fields. It names no validator, no type of Python and no class of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from switchboard.edge.field_errors import errors_by_field
from tests.contract.test_request_types import BODIES

#: Values that are wrong for most fields: other types, nothing, too much, and lists and objects of wrong values.
WRONG: list[Any] = [
    None,
    7,
    -1,
    2.5,
    True,
    "",
    "x",
    "é" * 5_000,
    [],
    [7],
    [None, "x", {}],
    {},
    {"x": 7},
    [{"x": 7}] * 300,
]
_DEPTH, _MOST = 4, 1_500
_INTERNAL = re.compile(
    r"function-|constrained|dictionary|extract fields|[Ii]nput should|valid (?:string|integer|boolean|list|number)\b"
    r"|pydantic|lax-or|json-or|is-instance|\b(?:str|int|dict|list|union|tuple)\[|Optional|NoneType|Value error|regex"
)


def _fill(schema: dict[str, Any], definitions: dict[str, Any], depth: int = _DEPTH) -> Iterator[Any]:
    """Yields values that are wrong for a schema somewhere: in itself, or in one of its parts."""
    yield from WRONG
    if depth == 0:
        return
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _fill(branch, definitions, depth - 1)
    if isinstance(items := schema.get("items"), dict):
        yield from ([wrong] for wrong in _fill(items, definitions, depth - 1))
    fields = schema.get("properties", {})
    for name, field in fields.items():
        yield from ({name: wrong, "unheardOf": 1} for wrong in _fill(field, definitions, depth - 1))
    if fields:
        # All fields at once: a union tells the problems of all its branches.
        yield from (dict.fromkeys(fields, wrong) for wrong in WRONG)


def _class_names() -> set[str]:
    """The names of our models that no plain text has."""
    found, waiting = set(), [BaseModel]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if re.search(r"[a-z][A-Z]", model.__name__):
            found.add(model.__name__)
    return found


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_no_refusal_of_a_body_names_a_part_of_our_code(model: type[BaseModel]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    schema, classes = model.model_json_schema(), _class_names()
    refused, found = 0, set()
    for body in islice(_fill(schema, schema.get("$defs", {})), _MOST):
        try:
            adapter.validate_python(body)
        except ValidationError as error:
            refused += 1
            for name, text in errors_by_field(
                [{**one, "loc": ("body", *one["loc"])} for one in error.errors()], body
            ).items():
                words = set(re.findall(r"\w+", f"{name} {text}"))
                if _INTERNAL.search(f"{name} {text}") or words & classes or not text:
                    found.add(f"{name}: {text}"[:200])
    assert refused, "the body takes every value"
    assert not found, f"give the type of the problem a text in switchboard/edge/field_errors.py: {sorted(found)[:5]}"
