"""Every text of a flow's fields and of a configuration is accepted or refused, and fails in no other way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.errors import Invalid
from switchboard.flows.configs import build_config, read_config, write_config
from switchboard.flows.models import TEXT_FIELDS, FlowSettings, FlowSource
from switchboard.flows.rules import check_settings
from switchboard.flows.values import validate_value
from tests.unit.properties import example_settings

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

REFS = st.sampled_from(
    ["#", "#/", "#/default", "#/$defs/a", "#/properties/a", "#a", "#/$defs/a/0", "#/%", "#/$defs/~1", "//[", "#/a/-1"]
)
PATTERNS = st.sampled_from(
    [
        "a{99999999999}",
        "(" * 90,
        "(?i)a",
        "[\uffff-a]",
        "(?<=a+)b",
        "a**",
        "(?P<a>b)(?P=a)",
        "\\N{x}",
        "^[A-Z]+$",
        "(?>",
    ]
) | st.text(st.sampled_from("ab(){}[]?*+|^$\\-:=!<>P,01dwbZ"), max_size=20)
ODD = (
    st.none()
    | st.booleans()
    | st.sampled_from([10**400, -(10**400), 1e308, 5e-324, 0, -1, 1, 0.1, 2.0])
    | st.sampled_from(
        ["", "object", "string", "\0", "\u2028", "\ud800", "é", "https://example.com", "+14155550142", "a"]
    )
    | REFS
    | PATTERNS
)
KEYWORDS = (
    *("type", "properties", "items", "$ref", "$defs", "pattern", "patternProperties", "required", "enum", "const"),
    *(
        "multipleOf",
        "maximum",
        "minLength",
        "uniqueItems",
        "dependentRequired",
        "allOf",
        "anyOf",
        "not",
        "if",
        "$anchor",
    ),
    *("$id", "$schema", "default", "definitions", "additionalProperties", "propertyNames", "contains", "prefixItems"),
    *("oneOf", "dependentSchemas", "format", "contentSchema", "$comment", "maxItems", "examples", "title"),
)
#: Values that a reader of each field looks for, and values that it does not.
WORDS = (
    *(
        "name",
        "description",
        "parameters",
        "url",
        "method",
        "monday",
        "sunday",
        "start",
        "end",
        "date",
        "rule",
        "hours",
    ),
    *("a", "b", "", "\ud800", "\0", "x" * 300, "a b", *KEYWORDS),
)
NESTED = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
        | st.lists(st.fixed_dictionaries({"name": st.just("a"), "url": st.just("https://a.com"), "parameters": inner}))
    ),
    max_leaves=20,
)
SCHEMAS = st.recursive(
    st.booleans() | st.dictionaries(st.sampled_from(KEYWORDS), ODD, max_size=4),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "string", "array", ["object", "null"], []]),
            "properties": st.dictionaries(st.sampled_from(["a", "b", ""]), inner, max_size=3),
            "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
            "$defs": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
            "anyOf": st.lists(inner, max_size=3),
            "items": inner,
            "not": inner,
            "additionalProperties": inner,
            "$ref": REFS,
            "pattern": PATTERNS,
            "multipleOf": ODD,
            "uniqueItems": ODD,
            "enum": st.lists(ODD, max_size=3),
            "required": st.lists(ODD, max_size=3),
        },
    ),
    max_leaves=12,
)
FIELDS = st.sampled_from(sorted(TEXT_FIELDS))


def refuse_or_keep(settings: FlowSettings) -> FlowSettings | None:
    try:
        return check_settings(settings, set(TEXT_FIELDS))
    except Invalid as refusal:
        json.dumps(refusal.details, ensure_ascii=False).encode()
        return None


@given(FIELDS, NESTED | SCHEMAS, st.booleans(), st.data())
@example_settings(500)
def test_a_field_is_kept_or_refused(field: str, value: Any, ascii_only: bool, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    cut = data.draw(st.none() | st.integers(0, len(text)))
    kept = refuse_or_keep(FlowSettings.model_validate({"name": "Desk", field: text[:cut]}))
    if kept:
        kept.model_dump_json().encode()
        # A configuration leaves out variables of events if there are none.
        assert build_config(kept).get(TEXT_FIELDS[field], {}) == json.loads(text[:cut])


@given(SCHEMAS.map(lambda one: {**one, "type": "object"} if isinstance(one, dict) else one), NESTED)
@example_settings(500)
def test_a_schema_that_is_kept_accepts_or_refuses_each_value(schema: Any, value: Any) -> None:
    if refuse_or_keep(FlowSettings(name="Desk", outcome_schema_json=json.dumps(schema))):
        assert "cannot be checked" not in str(validate_value(schema, value))
        assert "cannot be checked" not in str(validate_value(schema, {"a": value, "b": [value, value]}))


YAML_PARTS = st.sampled_from(
    [
        *(
            "name: Desk\n",
            "tools:\n",
            "  - ",
            "outcome_schema:\n",
            "  type: object\n",
            "  properties: {a: &x ",
            "*x",
            "&x ",
        ),
        *(
            "}\n",
            "{",
            "[",
            "]",
            ", ",
            ": ",
            '"\\ud800"',
            '"\\x00"',
            "0xffffffff",
            "0o17",
            "0b1",
            "1_000",
            "+",
            ".inf",
            "~",
        ),
        *(
            "!!int ",
            "!!float a",
            "!!bool x",
            "!!null ",
            "!!str ",
            "!!set {a}",
            "!!omap [a: b]",
            "<<: ",
            "? ",
            "|\n",
            ">-\n",
        ),
        *(
            "#",
            "%YAML 1.1\n",
            "---\n",
            "...\n",
            "1:30",
            "2026-12-25",
            "2026-12-25T10:00:00Z",
            "\t",
            "é",
            "\ufeff",
            "\u2028",
        ),
        *(
            "transfer_map:\n",
            "  a: '+14155550142'\n",
            "business_hours: ",
            "monday",
            "1e400",
            "-.inf",
            "pattern: (?i)a\n",
        ),
    ]
)


@given(st.lists(YAML_PARTS, max_size=12).map("".join), st.sampled_from(["json", "yaml"]))
@example_settings(500)
def test_a_configuration_is_read_or_refused(text: str, form: Any) -> None:
    try:
        settings = read_config(FlowSource(text, form))
    except Invalid as refusal:
        json.dumps(refusal.details, ensure_ascii=False).encode()
        return
    settings.model_dump_json().encode()
    write_config(settings, "yaml").encode()
    write_config(settings.model_copy(update={"greeting": "Hi"}), form, FlowSource(text, form)).encode()


@given(NESTED | SCHEMAS, st.sampled_from(sorted(TEXT_FIELDS.values())), st.sampled_from(["json", "yaml"]))
@example_settings(500)
def test_a_configuration_with_any_value_is_read_or_refused(value: Any, name: str, form: Any) -> None:
    text = json.dumps({"name": "Desk", name: value}, indent=1)
    try:
        settings = read_config(FlowSource(text, form))
    except Invalid as refusal:
        json.dumps(refusal.details, ensure_ascii=False).encode()
        return
    changed = settings.model_copy(update={"greeting": "Hi"})
    assert build_config(read_config(FlowSource(write_config(changed, form, FlowSource(text, form)), form)))
