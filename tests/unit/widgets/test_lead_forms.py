"""The answers that a visitor may give in the form of a widget."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.errors import Invalid
from switchboard.widgets import lead_forms
from switchboard.widgets.models import LeadField
from tests.tables import each
from tests.unit.widgets.desk import FORM


@each(
    "given, kept",
    [
        ({"name": " Ada "}, {"name": "Ada"}),
        ({"name": "Ada", "email": "ada@EXAMPLE.com"}, {"name": "Ada", "email": "ada@example.com"}),
        ({"name": "Ada", "phone": "(415) 555-0142"}, {"name": "Ada", "phone": "+14155550142"}),
        ({"name": "Ada", "phone": "+44 20 7946 0018"}, {"name": "Ada", "phone": "+442079460018"}),
        ({"name": "Ada", "email": "", "phone": None}, {"name": "Ada"}),
        ({"name": "Ada", "notes": "One\nTwo"}, {"name": "Ada", "notes": "One\nTwo"}),
    ],
)
def test_answers_are_kept_in_one_form(given: dict[str, Any], kept: dict[str, str]) -> None:
    assert lead_forms.read_answers(FORM, given).model_dump(exclude_none=True) == kept


@each(
    "given, fields",
    [
        ({}, ["lead.name"]),
        ({"name": "x" * 201}, ["lead.name"]),
        ({"name": "A\u202eda"}, ["lead.name"]),
        ({"email": "ada", "phone": "1"}, ["lead.name", "lead.email", "lead.phone"]),
        ({"name": "Ada", "phone": "+1 415 555 0142 ext 3"}, ["lead.phone"]),
        ({"name": "Ada", "phone": "911"}, ["lead.phone"]),
        ({"name": "Ada", "email": f"{'a' * 250}@example.com"}, ["lead.email"]),
        ({"name": "Ada", "notes": "a\x00b"}, ["lead.notes"]),
    ],
)
def test_all_wrong_answers_are_told_at_once(given: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        lead_forms.read_answers(FORM, given)
    assert list(refused.value.details["fields"]) == fields


def test_an_answer_that_the_form_does_not_ask_for_is_refused() -> None:
    form = [LeadField(name="name", label="Name")]
    with pytest.raises(Invalid) as refused:
        lead_forms.read_answers(form, {"notes": "x"})
    assert list(refused.value.details["fields"]) == ["lead.notes"]


def test_a_form_asks_for_each_thing_once() -> None:
    twice = [LeadField(name="name", label="First"), LeadField(name="name", label="Last")]
    with pytest.raises(Invalid) as refused:
        lead_forms.check_fields(twice)
    assert list(refused.value.details["fields"]) == ["lead_fields.1.name"]
    lead_forms.check_fields(FORM)
