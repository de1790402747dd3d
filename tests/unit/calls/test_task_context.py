"""The task context of a call: its limits, its place in the prompt, and its variables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.task_context import (
    MAX_CHARACTERS,
    MAX_VALUES,
    check_context,
    check_spoken,
    context_variables,
    render_prompt,
)
from switchboard.carriers.spoken import fill_variables
from switchboard.errors import Invalid

TEXTS = st.text(alphabet=st.sampled_from("ab<>/{}\\\"' \n_task context"), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OPEN, CLOSE = "<task_context>", "</task_context>"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@given(st.dictionaries(TEXTS, JSON, min_size=1, max_size=4))
def test_the_context_stays_between_its_marks_and_names_no_variable(context: dict[str, Any]) -> None:
    shown = str(render_prompt("Be kind.", context)).removeprefix("Be kind.")
    assert (shown.count(OPEN), shown.count(CLOSE), shown.count("{{")) == (1, 1, 0)
    inside = shown.partition(OPEN)[2].partition(CLOSE)[0]
    assert json.loads(inside) == context
    assert shown.endswith(CLOSE)
    assert not any("{{" in value for value in context_variables(context).values())


def test_equal_contexts_give_the_same_prompt() -> None:
    assert render_prompt("x", {"a": 1, "b": {"c": 2, "d": 3}}) == render_prompt("x", {"b": {"d": 3, "c": 2}, "a": 1})


def test_without_a_context_the_prompt_is_the_flows() -> None:
    assert (render_prompt("Be kind.", {}), render_prompt(None, {})) == ("Be kind.", None)
    assert str(render_prompt(None, {"a": 1})).startswith("# Task context")


def test_texts_numbers_and_truth_values_are_variables() -> None:
    context = {"name": "Ada\n B", "n": 1.5, "yes": True, "no": None, "list": [1], "a b": "x", "long": "y" * 501}
    assert context_variables(context) == {"name": "Ada B", "n": "1.5", "yes": "true"}


@pytest.mark.parametrize(
    "context",
    [
        {"a": "x" * MAX_CHARACTERS},
        {str(number): number for number in range(MAX_VALUES + 1)},
        {"a": list(range(MAX_VALUES))},
        nested(9),
        {"": 1},
        {"a": [{" ": 1}]},
        {"k" * 65: 1},
        {"system__time": "noon"},
        {"secret__token": 1},
        {"Secret__Token": {}},
    ],
)
def test_a_context_beyond_the_limits_is_refused(context: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        check_context(context)
    assert refusal.value.code == "invalid_task_context"


def test_a_context_at_the_limits_is_accepted() -> None:
    for context in ({}, nested(8), {str(n): n for n in range(MAX_VALUES)}, {"k" * 64: "x" * 7_900}):
        assert check_context(context) == context


BRACES = st.text(alphabet=st.sampled_from("{}a \u00a0"), max_size=12)


@given(BRACES, BRACES)
def test_a_value_names_no_variable_whatever_stands_beside_it(first: str, second: str) -> None:
    variables = context_variables({"first": first, "second": second}) | {"a": "SECRET"}
    once = fill_variables("Hi {{first}}{{second}}.", variables)
    assert "{{" not in once
    assert fill_variables(once, variables) == once
    assert "{{" not in fill_variables("{{{first}}{{first}}", variables)[1:]


def test_keys_inside_of_objects_are_free_because_they_are_no_variables() -> None:
    assert check_context({"a": {"system__time": 1}}) == {"a": {"system__time": 1}}


def test_a_spoken_text_needs_a_value_for_each_name() -> None:
    check_spoken("Hello {{ name }}, it is {{system__time}}.", {"name": "Ada"}, "greeting")
    with pytest.raises(Invalid) as refusal:
        check_spoken("Hello {{name}} of {{ city }}.", {"name": "Ada"}, "greeting")
    problem = "has no value for `city`, which the flow's greeting uses"
    assert refusal.value.code == "invalid_task_context"
    assert refusal.value.details["fields"] == {"task_context": problem}
