from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.campaigns.templates import MissingVariableError, find_variables, render_template

NAMES = st.from_regex("[a-z_][a-z0-9_]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hello {{name}}!", "Hello Ada!"),
        ("Hello {{ name }}, {{name}}", "Hello Ada, Ada"),
        ("{{_day2}}", "Monday"),
        ("{name} {{}} {{ }} {{Name}} {{2x}} {{name", "{name} {{}} {{ }} {{Name}} {{2x}} {{name"),
        ("{{{name}}}", "{Ada}"),
        ("{{empty}}", ""),
        ("{{\nname}}", "{{\nname}}"),
    ],
)
def test_a_variable_is_replaced_and_other_braces_stay(template: str, text: str) -> None:
    assert render_template(template, {"name": "Ada", "_day2": "Monday", "empty": ""}) == text


def test_all_missing_variables_are_named_in_the_order_of_the_text() -> None:
    with pytest.raises(MissingVariableError, match="day, name"):
        render_template("{{day}} {{name}} {{day}} {{place}}", {"place": "here"})


@given(st.dictionaries(NAMES, st.text(max_size=20), max_size=4))
def test_a_value_is_never_read_as_a_template(values: dict[str, str]) -> None:
    template = "".join(f"[{{{{{name}}}}}]" for name in values)
    assert render_template(template, values) == "".join(f"[{value}]" for value in values.values())
    assert find_variables(template) == list(values)
