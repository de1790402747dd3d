"""JSON that two parsers could read differently is refused, and no input causes a server error."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.errors import Invalid
from switchboard.kit import texts
from tests.unit.properties import example_settings

UNICODE = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), UNICODE),
    lambda part: st.one_of(st.lists(part, max_size=4), st.dictionaries(UNICODE, part, max_size=4)),
    max_leaves=12,
)


@given(JSON, st.booleans())
@example_settings(150)
def test_valid_json_is_read_unchanged(value: Any, escaped: bool) -> None:
    assert texts.parse_json(json.dumps(value, ensure_ascii=escaped)) == value


@given(st.one_of(st.text(max_size=40), st.text('[]{}",:0123456789eE+-.\\u truefalsn', max_size=30)))
@example_settings(400)
def test_any_text_is_json_or_refused_as_invalid(text: str) -> None:
    with suppress(Invalid):
        value = texts.parse_json(text)
        assert json.loads(json.dumps(value, allow_nan=False)) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ('{"a":1,}', "property name"),
        ("{'a':1}", "property name"),
        ("\ufeff{}", "BOM"),
        ('{"a":1} x', "Extra data"),
        ('{"a":1,"a":1}', "'a' twice"),
        ('{"a":{"b":1,"c":2,"b":1}}', "'b' twice"),
        ('{"a":1,"\\u0061":2}', "'a' twice"),
        ("NaN", "NaN is not a JSON number"),
        ("[Infinity]", "Infinity"),
        ('{"a":-Infinity}', "-Infinity"),
        ("1e400", "is too large"),
        ("[-1e400]", "is too large"),
        ("1" * 5_000, "too long"),
        ('"\\ud800"', "surrogate"),
        ('{"\\udfff":1}', "surrogate"),
        ('["\\ud83d", "\\ude00"]', "surrogate"),
        ("[" * 100_000, "nested"),
        ("[" * 100_000 + "]" * 100_000, "nested"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested"),
        ('"a\nb"', "control character"),
        ('{"a":1' + "0" * 5_000 + "}", "too long"),
    ],
)
def test_each_kind_of_bad_json_is_named(text: str, why: str) -> None:
    with pytest.raises(Invalid) as refusal:
        texts.parse_json(text)
    assert refusal.value.code == "invalid_json"
    assert why in refusal.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0.0", 0.0),
        ("1e-400", 0.0),
        ("12345678901234567890123", 12345678901234567890123),
        ('"\\ud83d\\ude00"', "😀"),
        (" [1 ,2] ", [1, 2]),
        ('{"a":{"a":1}}', {"a": {"a": 1}}),
        ('"\\u0000"', "\0"),
    ],
)
def test_unusual_json_is_read(text: str, value: Any) -> None:
    assert texts.parse_json(text) == value


def test_a_repeated_key_is_found_among_a_hundred_thousand_in_linear_time() -> None:
    class Key(str):
        compared = 0

        def __eq__(self, other: object) -> bool:
            Key.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    pairs = [(Key(number), 0) for number in range(2_000)]
    assert texts._twice([*pairs, (Key(1_999), 0)]) == "1999"
    assert Key.compared < 10 * len(pairs)


@pytest.mark.parametrize(
    "text",
    ["[" + "0," * 50_000 + "0]", '{"a":[' + "[0,0]," * 20_000 + "[]]}", json.dumps({"a": [{"b": 1, "c": 2}] * 17_000})],
)
def test_the_number_of_values_in_a_body_is_limited(text: str) -> None:
    with pytest.raises(Invalid, match="more than 50,000 values"):
        texts.parse_json(text)


def test_commas_inside_text_do_not_count_as_values() -> None:
    assert texts.parse_json('{"body":"' + "," * 100_000 + '"}') == {"body": "," * 100_000}
