"""JSON Schemas of callers: what they may be, with bounded work."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from switchboard.flows import json_schemas
from switchboard.flows.json_schemas import MAX_LEVELS, check_schema
from switchboard.flows.patterns import CountedPattern, check_pattern
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
        (object_of(a={"type": "text"}), "properties.a.type", '"string"'),
        (object_of(a={"minimum": "1"}), "properties.a.minimum", "number"),
        ({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"}, '["$schema"]', "2020-12"),
        (object_of(a={"$ref": "https://example.com/a.json"}), 'properties.a["$ref"]', "must refer to this schema"),
        (object_of(a={"$ref": "file:///etc/passwd"}), 'properties.a["$ref"]', "must refer to this schema"),
        (object_of(a={"$ref": "#/$defs/none"}), 'properties.a["$ref"]', "not in this schema"),
        (object_of(a={"$ref": "#"}), '["$ref"]', "refers to itself"),
        (object_of(a={"$id": "https://example.com/"}), 'properties.a["$id"]', "only at the root"),
        (object_of(a={"$dynamicRef": "#a"}), '["$dynamicRef"]', "not supported"),
        (object_of(a={"pattern": "(a+)+$"}), "properties.a.pattern", "repeat inside a repeat"),
        (object_of(a={"pattern": "("}), "properties.a.pattern", "regular expression"),
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


def chain(length: int) -> dict[str, Any]:
    defs: dict[str, Any] = {f"d{at}": {"$ref": f"#/$defs/d{at + 1}"} for at in range(length)}
    return {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs | {f"d{length}": True}}


MIXED = [*range(4_979), "a"]


@pytest.mark.parametrize(
    ("schema", "path", "problem"),
    [
        ({"type": "object", "pattern": "(?i)" + "[d-\U0010ffff]" * 6_000}, "pattern", "more than 200 characters"),
        ({"type": "object", "pattern": "(" * 3_000 + ")" * 3_000}, "pattern", "more than 200 characters"),
        ({"type": "object", "pattern": "a{99999999999}"}, "pattern", "not a regular expression"),
        ({"type": "object", "pattern": "(" * 99 + ")" * 99 + "("}, "pattern", "not a regular expression"),
        ({"type": "object", "pattern": "(?i)a"}, "pattern", "flag"),
        ({"type": "object", "pattern": "(?i:a)"}, "pattern", "flag"),
        ({"type": "object", "pattern": "(?<=a+)b"}, "pattern", "looks behind"),
        ({"type": MIXED}, "type", "more than 7 types"),
        (object_of(a={"type": MIXED}), "properties.a.type", "more than 7 types"),
        ({"type": "object", "required": MIXED}, "required", "list of texts"),
        ({"type": "object", "dependentRequired": {"a": MIXED}}, "dependentRequired.a", "list of texts"),
        ({"type": "object", "dependencies": {"a": MIXED}}, "dependencies", "use dependentRequired"),
        ({"type": "object", "allOf": [{}] * 2_001}, "", "more than 2,000 subschemas"),
        (chain(1_500), "", f"more than {MAX_LEVELS} levels"),
        (object_of(a={"$ref": "#/default"}) | {"default": bomb(3)}, '["$ref"]', "not a schema"),
        (object_of(a={"$ref": "#/examples/0"}) | {"examples": [{}]}, '["$ref"]', "not a schema"),
        (object_of(a={"$ref": "#/type"}), '["$ref"]', "not a schema"),
        (object_of(a={"$ref": "#/$defs/b/enum/0"}) | {"$defs": {"b": {"enum": [{}]}}}, '["$ref"]', "not a schema"),
        (object_of(a={"$ref": "#/$defs"}) | {"$defs": {"b": {}}}, '["$ref"]', "not a schema"),
        (object_of(a={"$ref": 1}), 'properties.a["$ref"]', "must be a text"),
        # A part of another dialect would be read without our limits.
        (object_of(a={"$schema": json_schemas.DIALECT}), '["$schema"]', "only at the root"),
        (object_of(a={"unevaluatedProperties": False}), "unevaluatedProperties", "use additionalProperties"),
    ],
)
def test_a_schema_of_a_hostile_tenant_is_refused_at_its_place(schema: Any, path: str, problem: str) -> None:
    with pytest.raises(PathError) as refused:
        check_schema(schema)
    assert format_path(refused.value.path).endswith(path)
    assert problem in refused.value.problem


@pytest.mark.parametrize("target", ["#/$defs/b", "#b", "#/definitions/b", "#/properties/b", "#/additionalProperties"])
def test_a_reference_to_a_schema_is_accepted(target: str) -> None:
    part = {"type": "string", "$anchor": "b"}
    plain = {"type": "string"}
    check_schema(
        object_of(a={"$ref": target}, b=plain)
        | {"$defs": {"b": part}, "definitions": {"b": plain}, "additionalProperties": False}
    )


def test_a_pattern_is_not_compiled_before_a_value_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_pattern(*_: Any) -> Any:
        raise AssertionError("a pattern of the schema is compiled")

    check_schema({"type": "object"})  # the patterns of the metaschema are compiled once
    schema = {"type": "object", "patternProperties": {f"^[d-\uffff]{{{at}}}$": {} for at in range(170)}}
    with monkeypatch.context() as patched:
        patched.setattr(re._compiler, "compile", compile_pattern)  # type: ignore[attr-defined]
        check_schema(schema)


def test_one_error_of_many_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    original = Draft202012Validator.iter_errors

    def count_errors(self: Any, *given: Any) -> Any:
        for error in original(self, *given):
            seen.append(error)
            yield error

    monkeypatch.setattr(Draft202012Validator, "iter_errors", count_errors)
    with pytest.raises(PathError, match="number"):
        check_schema(object_of(**{f"p{at}": {"minimum": "1"} for at in range(500)}))
    assert len(seen) < 100


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
        "^(?:[0-9]{4} ){3}[0-9]{4}$",
        "\\bno\\b",
        "^(?=.*[A-Z])[A-Za-z]+$",
        "^[[a-z]+$",
    ],
)
def test_a_usual_pattern_is_accepted(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a*)*b", "(a|aa)+$", "^(\\w+\\s?)*$", ".*.*.*.*x", "(a)\\1", "x" * 201, "(?:a?){99}"),
        *("(?:(?:(?:){999}){999}){999}", "(?:(?=a{100}){60000}){60000}", "(?:(?:a{999}){999}){999}"),
        *("\\ba*a*a*b", "\\Ba*a*a*b", "$a*a*a*b", "(^)a*a*a*b"),
    ],
)
def test_a_pattern_that_could_take_very_long_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "characters", "combinations"),
    [
        ("^a*b", 9, 10),
        ("a*b", 9, 90),
        ("^a*b*", 9, 100),
        ("^a{3}$", 9, 1),
        ("^(?:a{3}b){4}", 9, 12),
        ("^(ab|cd)", 9, 2),
    ],
)
def test_the_combinations_of_a_pattern_are_counted(pattern: str, characters: int, combinations: int) -> None:
    assert CountedPattern(pattern).count_combinations(characters) == combinations


def test_the_wide_classes_of_a_pattern_are_counted() -> None:
    assert CountedPattern("[a-z][^\u4e00-\u9fff](?:[é\u0100]|(?=[\uffffa])){2}(?>[b\u0101])\u4e00").wide_classes == 4
