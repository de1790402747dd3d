"""The field types that request schemas share."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError

from switchboard.edge.fields import E164, Flag, Omissible, OneLine, Username
from tests.tables import each


class ModelWithLine(BaseModel):
    name: Annotated[str, OneLine(10, least=1)]
    nick: Annotated[str, OneLine(10)] | None = None


@pytest.mark.parametrize("text", ["Ada", "Zoë", "عمر", "李雷", "👩‍👧", "a\u200fb", "0123456789"])
def test_a_line_accepts_text_of_any_language(text: str) -> None:
    assert ModelWithLine(name=text).name == text


def test_a_line_is_trimmed_before_it_is_measured() -> None:
    assert ModelWithLine(name="  0123456789\u00a0 ").name == "0123456789"


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "a\nb",
        "a\r\nBcc: b",
        "a\x1b[2J",
        "a\x7fb",
        "a\x85b",
        "a\u2028b",
        "a\u2029b",
        "a\u202eb",
        "a\u2066b",
        "a\n",
    ],
)
def test_a_line_holds_no_control_character(text: str) -> None:
    for body in ({"name": text}, {"name": "Ada", "nick": text}):
        with pytest.raises(ValidationError, match=r"holds the control character U\+[0-9A-F]{4}: remove it"):
            ModelWithLine.model_validate(body)


@pytest.mark.parametrize("text", ["", "   ", "01234567890"])
def test_a_line_has_a_maximum_length(text: str) -> None:
    with pytest.raises(ValidationError, match="String should have at"):
        ModelWithLine(name=text)


@pytest.mark.parametrize("value", [1, None, ["Ada"], b"\xff"])
def test_a_line_must_be_text(value: object) -> None:
    with pytest.raises(ValidationError):
        ModelWithLine.model_validate({"name": value})


def test_the_document_states_the_length_of_a_line() -> None:
    shown = ModelWithLine.model_json_schema()["properties"]
    assert shown["name"] == {"maxLength": 10, "minLength": 1, "title": "Name", "type": "string"}
    assert shown["nick"]["anyOf"][0] == {"maxLength": 10, "type": "string"}


class ModelWithNumber(BaseModel):
    username: Username = "ada"
    to: E164 | None = None


@pytest.mark.parametrize(
    "text", ["4155550142", "+0155550142", "+1", "+14155550142\n", "+1415555014²", "+1415555\u0660142"]
)
def test_an_invalid_number_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValidationError, match=r"must be an E\.164 number such as \+14155550142"):
        ModelWithNumber(to=text)


@pytest.mark.parametrize("text", ["Ada", "a_b", "a.b", "ada\n", "zoë"])
def test_an_invalid_username_is_refused_with_the_rules(text: str) -> None:
    with pytest.raises(ValidationError, match="must have lower-case letters, digits and hyphens only"):
        ModelWithNumber(username=text)


def test_a_document_shows_the_pattern_of_a_field() -> None:
    shown = ModelWithNumber.model_json_schema()["properties"]
    assert shown["to"]["anyOf"][0] == {"type": "string", "pattern": r"^\+[1-9]\d{6,14}$"}
    username = {name: shown["username"][name] for name in ("pattern", "minLength", "maxLength")}
    assert username == {"pattern": "^[a-z0-9-]+$", "minLength": 1, "maxLength": 63}


class ModelWithOptional(BaseModel):
    note: Omissible[str] = None
    flag: Omissible[Flag] = None


def test_an_omissible_field_may_be_missing_but_not_null() -> None:
    assert ModelWithOptional().note is None
    assert ModelWithOptional(note="Noon").note == "Noon"
    with pytest.raises(ValidationError, match=r"note\n.*is null: omit the field instead"):
        ModelWithOptional(note=None)
    assert ModelWithOptional.model_json_schema()["properties"]["note"]["type"] == "string"


@each("value", ["yes", "true", 1, 0, "", []])
def test_a_flag_is_no_text_and_no_number(value: object) -> None:
    with pytest.raises(ValidationError):
        ModelWithOptional.model_validate({"flag": value})
