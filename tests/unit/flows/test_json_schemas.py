"""JSON Schemas of callers: what they may be, and what values they allow, with bounded work."""

from __future__ import annotations

import time
from typing import Any

import pytest

from switchboard.flows.json_schemas import MAX_PATTERN_TEXT, check_schema, validate_value
from switchboard.flows.patterns import check_pattern
from switchboard.flows.source import PathError, format_path


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def bomb(levels: int) -> dict[str, Any]:
    defs: dict[str, Any] = {f"d{at}": {"allOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 4} for at in range(levels)}
    return {"type": "object", "$ref": "#/$defs/d0", "$defs": defs | {f"d{levels}": {"type": "object"}}}


@pytest.mark.parametrize(
    ("schema", "path", "problem"),
    [
        ([], "", "must be a JSON Schema"),
        ({"type": "string"}, "type", 'must have the type "object"'),
        ({}, "", 'must have the type "object"'),
        (object_of(a={"type": "text"}), "properties.a.type", "text"),
        (object_of(a={"minimum": "1"}), "properties.a.minimum", "number"),
        ({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"}, '["$schema"]', "2020-12"),
        (object_of(a={"$ref": "https://example.com/a.json"}), 'properties.a["$ref"]', "must refer to this schema"),
        (object_of(a={"$ref": "file:///etc/passwd"}), 'properties.a["$ref"]', "must refer to this schema"),
        (object_of(a={"$ref": "#/$defs/none"}), 'properties.a["$ref"]', "not in this schema"),
        (object_of(a={"$ref": "#"}), '["$ref"]', "refers to itself"),
        (object_of(a={"$id": "https://example.com/"}), 'properties.a["$id"]', "only at the root"),
        (object_of(a={"$dynamicRef": "#a"}), '["$dynamicRef"]', "not supported"),
        (object_of(a={"pattern": "(a+)+$"}), "properties.a.pattern", "repeat inside a repeat"),
        (object_of(a={"pattern": "("}), "properties.a.pattern", "regex"),
        ({"type": "object", "patternProperties": {"(a|a)*": {}}}, 'patternProperties["(a|a)*"]', "alternatives"),
        (bomb(8), "", "subschemas"),
    ],
)
def test_a_schema_that_is_wrong_or_costs_too_much_is_refused(schema: Any, path: str, problem: str) -> None:
    with pytest.raises(PathError) as refused:
        check_schema(schema)
    assert path in format_path(refused.value.path)
    assert problem in refused.value.problem


def test_two_definitions_that_refer_to_each_other_are_refused() -> None:
    schema = {"type": "object", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    with pytest.raises(PathError, match="itself"):
        check_schema(schema)


def test_a_schema_is_accepted_and_names_the_problems_of_a_value() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/outcome",
        "type": "object",
        "properties": {
            "booked": {"type": "boolean"},
            "slot": {"$ref": "#/$defs/slot"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"},
        },
        "required": ["booked"],
        "additionalProperties": False,
        "$defs": {"slot": {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}},
    }
    check_schema(schema)
    assert validate_value(schema, {"booked": True, "slot": {"day": "2026-01-01"}, "code": "AB-12"}) == []
    problems = validate_value(schema, {"slot": {"day": 1}, "code": "A" * (MAX_PATTERN_TEXT + 1)})
    assert any("'booked' is a required property" in one for one in problems)
    assert any(one.startswith("slot.day: 1 is not of type") for one in problems)
    assert any(one.startswith("code: is longer than 256") for one in problems)
    assert validate_value(schema, {"booked": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]})[0].startswith("is too large")


@pytest.mark.parametrize(
    "pattern",
    [
        "^[^@]+@[^@]+\\.[^@]+$",
        "^\\+[1-9][0-9]{6,14}$",
        "^(yes|no|maybe)$",
        "^\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}$",
        "^[A-Z]{2}$",
        "[a-z]+",
        "^(?:a{3}b?)$",
    ],
)
def test_a_usual_pattern_is_accepted(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a*)*b", "(a|aa)+$", "^(\\w+\\s?)*$", ".*.*.*.*x", "(a)\\1", "x" * 201, "(?:a?){99}"]
)
def test_a_pattern_that_could_take_very_long_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["^a*a*a*$", "^[^@]+@[^@]+\\.[^@]+$", "a*a*b"])
def test_an_accepted_pattern_ends_soon_on_the_worst_text(pattern: str) -> None:
    schema = {"type": "object", "properties": {"a": {"pattern": pattern}}}
    check_schema(schema)
    begun = time.process_time()
    validate_value(schema, {"a": "a" * (MAX_PATTERN_TEXT - 1) + "!"})
    validate_value(schema, {"a": "@." * (MAX_PATTERN_TEXT // 2)})
    assert time.process_time() - begun < 5
