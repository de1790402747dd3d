"""The JSON Schemas of callers allow and refuse values, with bounded work."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.flows import values
from switchboard.flows.json_schemas import check_schema
from switchboard.flows.patterns import MAX_PATTERN_TEXT
from switchboard.flows.values import MAX_PROBLEMS, validate_value

TOO_LONG = "takes too long to check: use a simpler schema"


def problems_of(schema: dict[str, Any], value: Any) -> list[str]:
    check_schema(schema)
    return validate_value(schema, value)


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_a_value_has_the_problems_that_its_schema_names() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/outcome",
        "type": "object",
        "properties": {
            "booked": {"type": "boolean"},
            "slot": {"$ref": "#/$defs/slot"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"},
            "place": {"$ref": "#place"},
        },
        "required": ["booked"],
        "additionalProperties": False,
        "$defs": {
            "slot": {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}},
            "place": {"$anchor": "place", "type": "string"},
        },
    }
    assert problems_of(schema, {"booked": True, "slot": {"day": "2026-01-01"}, "code": "AB-12", "place": "x"}) == []
    problems = problems_of(schema, {"slot": {"day": 1}, "code": "A" * (MAX_PATTERN_TEXT + 1), "other": 1, "place": 1})
    assert any(one == "booked: is missing" for one in problems)
    assert any(one == "has fields that the schema does not have: 'other'" for one in problems)
    assert any(one == "slot.day: must be a text" for one in problems)
    assert any(one.startswith("code: is longer than 256") for one in problems)
    assert any(one == "place: must be a text" for one in problems)
    assert problems_of(schema, {"booked": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]})[0].startswith("is too large")


def test_names_are_checked_by_patterns() -> None:
    schema = {
        "type": "object",
        "patternProperties": {"^n_": {"type": "number"}},
        "additionalProperties": {"type": "string"},
    }
    assert problems_of(schema, {"n_a": 1, "b": "x"}) == []
    assert problems_of(schema, {"n_a": "x", "b": 1}) == [
        "n_a: must be a number",
        "b: must be a text",
    ]


@pytest.mark.parametrize(
    ("wanted", "number", "fits"),
    [
        *((0.1, 0.3, True), (0.01, 19.99, True), (0.1, 0.35, False), (5, 10, True), (5, 11, False), (5, 10.0, True)),
        *((0.1, 10**400, True), (1e-300, 1e300, True), (3, 10**400, False), (5, True, True), (5, "a", True)),
    ],
)
def test_a_multiple_is_exact_for_every_number(wanted: float, number: Any, fits: bool) -> None:
    found = problems_of(object_of(a={"multipleOf": wanted}), {"a": number})
    assert (found == []) is fits


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([1, True, "1", [1], {"a": 1}, None, 1.5], True),
        ([1, 1.0], False),
        ([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], False),
        ([[1, 2], [2, 1]], True),
        ([*range(4_990), "a"], True),
        ([*range(4_990), "a", 7], False),
    ],
)
def test_unique_items_are_compared_by_their_text(items: list[Any], unique: bool) -> None:
    found = problems_of(object_of(a={"uniqueItems": True}), {"a": items})
    assert (found == []) is unique


def test_a_pattern_costs_its_combinations() -> None:
    schema = object_of(a={"type": "array", "items": {"pattern": "^a*a*b"}})
    assert problems_of(schema, {"a": ["aab"] * 100}) == []
    assert problems_of(schema, {"a": ["a" * 254 + "b"] * 200})[-1] == TOO_LONG


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (object_of(a={"items": {"allOf": [{"minimum": 0}] * 1_900}}), {"a": [1] * 4_000}),
        (object_of(a={"items": {"enum": list(range(4_000))}}), {"a": [3_999] * 500}),
        (object_of(a={"items": {"anyOf": [{"type": "string"}] * 1_000 + [{}]}}), {"a": [1] * 4_000}),
        (object_of(a={"items": {"not": {"const": list(range(4_000))}}}), {"a": [1] * 500}),
        (
            {"type": "object", "patternProperties": {f"^k{at}": {} for at in range(1_000)}},
            {f"x{at}": 1 for at in range(900)},
        ),
        (
            {
                "type": "object",
                "patternProperties": {f"^k{at}": {} for at in range(1_000)},
                "additionalProperties": False,
            },
            {f"x{at}": 1 for at in range(900)},
        ),
        (
            object_of(a={"items": {"$ref": "#b"}})
            | {"$defs": {"b": {"$anchor": "b"}, "c": {"enum": list(range(4_000))}}},
            {"a": [1] * 500},
        ),
        (
            object_of(**{f"p{at}": {"pattern": f"[{at}-\uffff]"} for at in range(300)}),
            {f"p{at}": "\uffff" for at in range(300)},
        ),
    ],
    ids=["subschemas", "enum", "any", "const", "names", "others", "anchors", "classes"],
)
def test_a_validation_ends_after_its_steps(schema: dict[str, Any], value: Any) -> None:
    assert problems_of(schema, value)[-1] == TOO_LONG


def test_a_usual_outcome_takes_a_small_part_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MAX_STEPS", values.MAX_STEPS // 10)
    item = {
        "type": "object",
        "properties": {"name": {"type": "string", "pattern": "^[A-Z].*$"}, "count": {"type": "integer", "minimum": 1}},
        "required": ["name", "count"],
        "additionalProperties": False,
    }
    schema = object_of(items={"type": "array", "items": item, "uniqueItems": True})
    assert problems_of(schema, {"items": [{"name": f"Seat {at}", "count": at + 1} for at in range(150)]}) == []


def test_the_number_of_problems_is_limited() -> None:
    assert len(problems_of(object_of(a={"items": {"type": "string"}}), {"a": [1] * 50})) == MAX_PROBLEMS


@pytest.mark.parametrize(
    "schema", [{"type": 1}, {"properties": {"a": {"$ref": "#/none"}}}, {"pattern": "("}, {"enum": 1}]
)
def test_a_schema_that_nobody_checked_makes_the_value_invalid(schema: dict[str, Any]) -> None:
    assert validate_value(schema, {"a": 1} if "pattern" not in schema else "a") == [
        "cannot be checked: use a simpler schema"
    ]


def test_a_number_that_is_none_makes_the_value_invalid() -> None:
    assert validate_value(object_of(a={"multipleOf": 2}), {"a": float("nan")}) == [
        "cannot be checked: use a simpler schema"
    ]


@pytest.mark.parametrize(
    ("part", "value", "problem"),
    [
        ({"required": ["b"]}, {}, "a.b: is missing"),
        ({"minProperties": 4}, {}, "a: has too few fields: send at least 4"),
        ({"maxProperties": 0}, {"b": 1}, "a: has too many fields: send at most 0"),
        ({"minItems": 2}, [1], "a: has too few entries: send at least 2"),
        ({"maxItems": 1}, [1, 2], "a: has too many entries: send at most 1"),
        ({"minLength": 2}, "x", "a: is too short: send at least 2 characters"),
        ({"maxLength": 2}, "xyz", "a: is too long: send at most 2 characters"),
        ({"minimum": 2}, 1, "a: is too small: send at least 2"),
        ({"maximum": 5}, 7, "a: is too large: send at most 5"),
        ({"exclusiveMinimum": 2}, 2, "a: is too small: send more than 2"),
        ({"exclusiveMaximum": 2}, 2, "a: is too large: send less than 2"),
        ({"multipleOf": 2}, 3, "a: must be a multiple of 2"),
        ({"enum": ["x", None]}, "y", 'a: must be one of "x", null'),
        ({"const": True}, 1, "a: must be true"),
        ({"type": ["integer", "null"]}, "x", "a: must be a whole number or null"),
        ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, 1, "a: must be a text, or is too small: send at least 5"),
        ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, "x", "a: fits more than one of the schemas in oneOf"),
        ({"not": {"type": "string"}}, "x", "a: has a form that the schema excludes"),
        ({"dependentRequired": {"b": ["c"]}}, {"b": 1}, 'a.c: is missing: "b" needs it'),
        (
            {"propertyNames": {"maxLength": 2}},
            {"bcd": 1},
            'a: has the name "bcd", which is too long: send at most 2 characters',
        ),
        ({"contains": {"const": 1}}, [2], "a: has too few or too many entries of the kind that the schema wants"),
        ({"uniqueItems": True}, [1, 1], "a: has the same entry twice"),
        ({"pattern": "^[0-9]+$"}, "x", "a: does not match the pattern ^[0-9]+$"),
        ({"additionalProperties": False}, {"b": 1}, "a: has fields that the schema does not have: 'b'"),
    ],
)
def test_problems_are_plain_english(part: dict[str, Any], value: Any, problem: str) -> None:
    assert problems_of({"type": "object", "properties": {"a": part}}, {"a": value}) == [problem]


def test_each_missing_field_is_named() -> None:
    schema = {"type": "object", "required": ["it's", "b c", "d"]}
    assert problems_of(schema, {"d": 1}) == ['["it\'s"]: is missing', '["b c"]: is missing']
