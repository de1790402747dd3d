"""JSON and YAML texts of callers: their values, the lines of errors, and the limits."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.flows.source import (
    MAX_ALIASES,
    MAX_SOURCE_BYTES,
    PathError,
    Source,
    SourceError,
    format_path,
    read_json,
    read_yaml,
)
from tests.unit.properties import example_settings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\{}:, é', max_size=5), inner, max_size=4),
    max_leaves=12,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, part in value.items():
            found += places(part, (*path, key))
    if isinstance(value, list):
        for at, part in enumerate(value):
            found += places(part, (*path, at))
    return found


@given(JSON)
@example_settings(150)
def test_every_value_of_a_json_text_has_the_line_on_which_it_begins(value: object) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    source = read_json(text)
    assert source.value == value
    lines = source.find_lines()
    assert list(lines) == places(value)
    # With an indent each value begins on a line of its own. Lines that only close a value have none.
    closing = {at for at, line in enumerate(text.split("\n"), 1) if line.strip() in ("]", "],", "}", "},")}
    assert list(lines.values()) == [at for at in range(1, text.count("\n") + 2) if at not in closing]


def test_an_error_names_the_line_and_the_path() -> None:
    source = read_json('[\n {"url": "a"},\n {"url":\n   "b"}\n]')
    assert str(source.error(PathError((1, "url"), "is wrong"))) == "line 4, at [1].url: is wrong"
    assert str(source.error(PathError((1, "method"), "is missing"))) == "line 3, at [1].method: is missing"
    assert format_path(("a b", 0, "c")) == '["a b"][0].c'
    yaml = read_yaml("tools:\n  - url: a\n  - name: b\n    url: c\n")
    assert str(yaml.error(PathError(("tools", 1, "url"), "is wrong"))) == "line 4, at tools[1].url: is wrong"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1,\n "a": 2}', "line 2, at a: is there twice"),
        ('{"a":\n }', "line 2: is not valid JSON: expecting value (column 2)"),
        ("[NaN]", "NaN"),
        ("[1e999]", "too large"),
        ('["a",\n "\\ud800"]', "line 2, at [1]: contains half of a surrogate pair"),
        ('{"a": {\n "\\ud800": 1}}', "line 2, at a: has a key that contains half of a surrogate pair"),
        ("[" * 5_000 + "]" * 5_000, "nested too deeply"),
        ("[" + "1," * 6_000 + "1]", "more than 5,000 values"),
        (f'"{"x" * MAX_SOURCE_BYTES}"', "longer than 64 KB"),
        ("1" * 5_000, "too long"),
        ("", "line 1: is not valid JSON"),
    ],
)
def test_a_bad_json_text_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SourceError) as refused:
        read_json(text)
    assert problem in str(refused.value)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{after}: &{after} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}]"
    for before, after in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "values"),
        ("a: &a 1\nb: [" + ", ".join(["*a"] * (MAX_ALIASES + 1)) + "]", "line 2: has more than 50 aliases"),
        ("a: &a\n  b: *a\n", "nested too deeply"),
        ("[" * 3_000 + "]" * 3_000, "line 1: is nested too deeply"),
        ("a: !!python/object/apply:os.system [ls]", "has a tag"),
        ("a: !!binary aGk=", "has a tag"),
        ("a: !mine 1", "tag"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "line 3, at c: has a merge key"),
        ("1: a", "line 1: has a key that is not a text"),
        ("a: 1\na: 2\n", "twice"),
        ("a: &x 1\nb: &x 2\n", "line 2: defines the anchor &x twice"),
        ("a: 1\n---\nb: 2\n", "more than one document"),
        ("a: [1,\n b", "is not valid YAML"),
        ("a: \x01", "control character U+0001"),
        ("a: .inf", "number"),
        ("", "is empty"),
        (f"a: {'x' * MAX_SOURCE_BYTES}", "longer than 64 KB"),
        ("- 1\n" * 5_001, "more than 5,000 values"),
        ("a:\n  b: 0x" + "f" * 5_000, "line 2, at a.b: contains a number that is too long"),
        ("a:\n  b: " + "9" * 5_000, "line 2, at a.b: contains a number that is too long"),
        ('a:\n  b: "\\ud800"', "line 2, at a.b: contains half of a surrogate pair"),
        ('a:\n  "\\ud800": 1', "line 2, at a: has a key that contains half of a surrogate pair"),
    ],
)
def test_a_bad_yaml_text_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SourceError) as refused:
        read_yaml(text)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("text", "last_line"),
    [("- a\n" * 16_000, 5_000), ("".join(f"k{at}: a\n" for at in range(6_000)), 5_000), ("- {a: b}\n" * 6_000, 2_500)],
)
def test_a_yaml_text_with_too_many_values_is_refused_before_it_is_composed(
    text: str, last_line: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ruamel.yaml import YAML

    def compose(*_: object) -> None:
        raise AssertionError("the text is composed")

    monkeypatch.setattr(YAML, "compose", compose)
    with pytest.raises(SourceError, match="more than 5,000 values") as refused:
        read_yaml(text)
    assert refused.value.line == last_line


def test_a_yaml_map_may_have_as_many_values_as_a_json_object() -> None:
    text = "".join(f"k{at}: a\n" for at in range(4_999))
    assert len(read_yaml(text).value) == 4_999


def test_yaml_has_plain_values() -> None:
    found = read_yaml("a: 09:00\nb: 2026-12-25\nc: on\nd: true\ne: 0x1F\nf: 1.5\ng: ~\nh: '1'\ni: &x [1]\nj: *x\n")
    assert found.value == {
        "a": "09:00",
        "b": "2026-12-25",
        "c": "on",
        "d": True,
        "e": 31,
        "f": 1.5,
        "g": None,
        "h": "1",
        "i": [1],
        "j": [1],
    }


@given(st.text(st.sampled_from(list("ab:-&*!{}[]<>|?#'\"%@` \n\t,1.~\\é\x00")), max_size=40))
@example_settings(400)
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_json, read_yaml):
        with suppress(SourceError):
            assert isinstance(read(text), Source)
