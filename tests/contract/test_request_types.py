"""A number or truth value of a request is no text, and no other kind of value: the documents say so."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from infra import openapi

#: Values that pydantic takes for numbers or truth values unless a field is strict, with their types in JSON Schema.
VALUES = [("1", "string"), ("true", "string"), (True, "boolean"), (1, "integer"), (0, "integer")]


def list_bodies() -> Iterator[type[BaseModel]]:
    """The models of all requests."""
    for name in openapi.DESCRIPTIONS:
        for api in openapi.groups(name):
            resolver = api.router.resolver
            for route in (*resolver._static_routes, *resolver._dynamic_routes):
                for parameter in inspect.signature(route.func, eval_str=True).parameters.values():
                    if inspect.isclass(parameter.annotation) and issubclass(parameter.annotation, BaseModel):
                        yield parameter.annotation


BODIES = sorted(set(list_bodies()), key=lambda model: (model.__module__, model.__name__))


def list_lax_fields(model: type[BaseModel]) -> Iterator[str]:
    """The fields that take a value of a type that their schema does not have."""
    for name, field in model.model_fields.items():
        annotated = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        adapter: TypeAdapter[Any] = TypeAdapter(annotated)
        schema = adapter.json_schema()
        types = {one.get("type") for one in (schema, *schema.get("anyOf", ()))}
        if not types & {"boolean", "integer", "number"} or (types & {"integer", "number"} and "string" in types):
            continue
        allowed = types | ({"integer"} if "number" in types else set())
        for value, kind in VALUES:
            if kind not in allowed and _takes(adapter, value):
                yield f"{name} takes {value!r}"


def _takes(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_a_field_takes_only_values_of_its_type(model: type[BaseModel]) -> None:
    found = list(list_lax_fields(model))
    assert not found, f"{model.__module__}.{model.__name__}: use Flag, Bit or strict=True, because {found}"
