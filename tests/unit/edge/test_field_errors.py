"""Problems of a request, by field: plain sentences that say what to send."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from infra import openapi
from switchboard.edge.api import Api
from switchboard.edge.field_errors import errors_by_field
from switchboard.edge.fields import E164

#: Words of pydantic, and parts of a regular expression.
_FOREIGN = re.compile(r"Input should|String should|Field required|should match|[\\^$\[\]{}]")


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=5)
    word: str = Field(default="abc", min_length=3)
    to: E164 = "+14155550142"
    count: int = Field(default=1, ge=1, le=9)
    above: float = Field(default=1, gt=0, lt=9)
    loud: bool = False
    kind: Literal["a", "b"] = "a"
    items: list[str] = Field(default=["x"], min_length=1, max_length=2)
    facts: dict[str, str] = {}


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"name": ...}, "name", "is missing"),
        ({"name": ""}, "name", "is empty: send some text"),
        ({"word": "ab"}, "word", "is too short: send at least 3 characters"),
        ({"name": "abcdef"}, "name", "is too long: send at most 5 characters"),
        ({"name": 7}, "name", "must be a text"),
        ({"to": "415"}, "to", "must be an E.164 number such as +14155550142"),
        ({"count": "x"}, "count", "must be an integer"),
        ({"count": 1.5}, "count", "must be an integer"),
        ({"count": 0}, "count", "must be at least 1"),
        ({"count": 10}, "count", "must be at most 9"),
        ({"above": 0}, "above", "must be more than 0"),
        ({"above": 9}, "above", "must be less than 9"),
        ({"above": "x"}, "above", "must be a number"),
        ({"loud": "x"}, "loud", "must be true or false"),
        ({"loud": []}, "loud", "must be true or false"),
        ({"kind": "c"}, "kind", "must be 'a' or 'b'"),
        ({"items": "x"}, "items", "must be a list"),
        ({"items": []}, "items", "has too few items: send at least 1"),
        ({"items": ["x"] * 3}, "items", "has too many items: send at most 2"),
        ({"facts": 1}, "facts", "must be an object"),
        ({"more": 1}, "more", "is unknown: leave it out"),
    ],
)
def test_a_problem_is_told_in_plain_words(change: dict[str, Any], field: str, text: str) -> None:
    body = {name: value for name, value in ({"name": "Ada"} | change).items() if value is not ...}
    with pytest.raises(ValidationError) as refused:
        Order.model_validate(body)
    told = errors_by_field(refused.value.errors())
    assert {name: why.replace(".0", "") for name, why in told.items()} == {field: text}
    assert not _FOREIGN.search(text)


def find_bare_patterns(schema: Any) -> Iterator[str]:
    """The regular expressions of pydantic's own patterns in a validator's schema."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "str" and schema.get("pattern"):
            yield str(schema["pattern"])
        for name, part in schema.items():
            if name not in ("metadata", "serialization"):
                yield from find_bare_patterns(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from find_bare_patterns(part)


def list_inputs(api: Api) -> Iterator[tuple[str, TypeAdapter[Any]]]:
    """The parameters and the bodies of a group's routes."""
    resolver: Any = api.router.resolver
    for route in (*resolver._static_routes, *resolver._dynamic_routes):
        inputs = route.dependant
        for given in (
            *inputs.path_params, *inputs.query_params, *inputs.header_params, *inputs.body_params,
        ):  # fmt: skip
            yield f"{route.method} {route.path} {given.alias}", given._type_adapter


@pytest.mark.parametrize("name", sorted(openapi.DESCRIPTIONS))
def test_each_pattern_of_a_request_has_a_sentence(name: str) -> None:
    inputs = [one for api in openapi.groups(name) for one in list_inputs(api)]
    assert inputs
    bare = [f"{place}: {found}" for place, adapter in inputs for found in find_bare_patterns(adapter.core_schema)]
    assert not bare, (
        "the error of these fields would show a regular expression: give them the type `Pattern` of "
        f"switchboard/edge/fields.py, with a sentence. {bare}"
    )


def test_a_bare_pattern_is_found() -> None:
    class Bare(BaseModel):
        code: Annotated[str, Field(pattern="^a$")] | None = None

    assert list(find_bare_patterns(TypeAdapter(list[Bare]).core_schema)) == ["^a$"]
    assert list(find_bare_patterns(TypeAdapter(Order).core_schema)) == []
