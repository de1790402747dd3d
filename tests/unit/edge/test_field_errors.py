"""Problems of a request, by field: plain sentences that say what to send."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import SkipJsonSchema

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


#: Words of validators that are no names of fields, such as `constrained-str`, `function-after[…]` and `none`.
_VALIDATOR = re.compile(r"constrained|function-|should be|should have|Value error|_\(|\)\]|valid (?:str|bool|dict)")
_WRONG: tuple[Any, ...] = (7, 1.5, True, "x", " ", "x" * 30_000, [], [None], [[]], {}, {"unknown-key": [1]}, None)


def list_places(schema: Any, defs: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str | int, ...]]:
    """The places of the fields that a JSON schema describes, also in objects and in lists of objects."""
    if depth > 5 or not isinstance(schema, Mapping):
        return
    if "$ref" in schema:
        yield from list_places(defs[schema["$ref"].rpartition("/")[2]], defs, depth)
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from list_places(branch, defs, depth)
    for name, part in schema.get("properties", {}).items():
        yield (name,)
        yield from ((name, *more) for more in list_places(part, defs, depth + 1))
    if items := schema.get("items"):
        yield (0,)
        yield from ((0, *more) for more in list_places(items, defs, depth + 1))


def put_at(place: tuple[str | int, ...], value: Any) -> Any:
    """The smallest body that has a value at a place."""
    for part in reversed(place):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def read_problems(adapter: TypeAdapter[Any], body: Any) -> dict[str, str]:
    try:
        adapter.validate_python(body)
    except ValidationError as refused:
        return errors_by_field([{**one, "loc": ("body", *one["loc"])} for one in refused.errors()], body)
    return {}


@pytest.mark.parametrize("name", sorted(openapi.DESCRIPTIONS))
def test_no_field_is_called_by_the_name_of_a_validator(name: str) -> None:
    tried = 0
    for api in openapi.groups(name):
        resolver: Any = api.router.resolver
        for route in (*resolver._static_routes, *resolver._dynamic_routes):
            for given in route.dependant.body_params:
                adapter = given._type_adapter
                schema = adapter.json_schema()
                places = set(list_places(schema, schema.get("$defs", {})))
                assert places, route.path
                names = {str(part) for place in places for part in place} | {"body", "unknown-key"}
                actions = find_tags(schema)
                for place, wrong, more in ((a, b, c) for a in places for b in _WRONG for c in actions):
                    body = put_at(place, wrong)
                    for field, text in read_problems(adapter, body | more).items():
                        tried += 1
                        assert set(field.split(".")) <= names, (route.path, place, wrong, field, text)
                        assert not _VALIDATOR.search(text), (route.path, place, wrong, field, text)
    assert tried


def find_tags(schema: Mapping[str, Any]) -> list[dict[str, str]]:
    """The fields that choose a branch of a body with several forms."""
    chosen = schema.get("discriminator")
    return [{}, *({chosen["propertyName"]: tag} for tag in chosen["mapping"])] if chosen else [{}]


class Branches(BaseModel):
    """Fields with several types."""

    note: Annotated[str, Field(max_length=3)] | SkipJsonSchema[None] = None
    flag: Annotated[bool, Field(strict=True)] | None = None
    either: list[int] | dict[str, Annotated[int, Field(le=3)]] | None = None
    order: list[Order | Literal["none"]] | None = None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"note": 7}, {"note": "must be a text"}),
        ({"note": "four"}, {"note": "is too long: send at most 3 characters"}),
        ({"flag": "yes"}, {"flag": "must be true or false"}),
        ({"either": "x"}, {"either": "must be a list, or must be an object"}),
        ({"either": ["x"]}, {"either.0": "must be an integer", "either": "must be an object"}),
        ({"order": [{}]}, {"order.0.name": "is missing", "order.0": "must be 'none'"}),
        ([], {"body": "the body of the request must be a JSON object"}),
        (None, {"body": "the body of the request must be a JSON object"}),
    ],
)
def test_a_branch_of_a_field_is_no_part_of_its_name(body: Any, told: dict[str, str]) -> None:
    assert read_problems(TypeAdapter(Branches), body) == told
