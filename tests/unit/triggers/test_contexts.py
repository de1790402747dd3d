"""The facts that a flow gets from the body of an event."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.calls import task_context
from switchboard.flows.models import Flow
from switchboard.triggers import contexts
from tests.tables import each

NOW = "2026-01-15T17:00:00.000Z"


def make_flow(**settings: Any) -> Flow:
    facts = {"id": "f", "org_id": "org_1", "name": "Leads", "created_at": NOW, "updated_at": NOW}
    return Flow.model_validate(facts | settings)


@each(
    "path, body, found",
    [
        (None, {"to": "+1", "phone": "+2"}, "+1"),
        (None, {"to": " ", "phone": " +2 "}, "+2"),
        (None, {"to": 14155550142}, None),
        (None, ["+1"], None),
        (None, "+1", None),
        (None, None, None),
        ("/contact/phone", {"contact": {"phone": "+3"}, "to": "+1"}, "+3"),
        ("/contacts/0/phone", {"contacts": [{"phone": "+3"}]}, "+3"),
        ("/contacts/01/phone", {"contacts": [{"phone": "+3"}]}, None),
        ("/contacts/1/phone", {"contacts": [{"phone": "+3"}]}, None),
        ("/contacts/-1/phone", {"contacts": [{"phone": "+3"}]}, None),
        ("{{ contact.phone }}", {"contact": {"phone": "+3"}}, "+3"),
        ("/a~1b/c~0d", {"a/b": {"c~d": "+3"}}, "+3"),
        ("/contact/phone", {"to": "+1"}, None),
    ],
)
def test_the_number_is_at_the_path_of_the_flow(path: str | None, body: Any, found: str | None) -> None:
    assert contexts.find_target(make_flow(trigger_target=path), body) == found


def test_variables_of_the_flow_come_before_the_fields_of_the_event() -> None:
    flow = make_flow(trigger_variables={"name": "/contact/name", "missing": "/nothing"})
    body = {"name": "Lead 7", "tags": ["a"], "contact": {"name": "Ada"}, "empty": None}
    assert contexts.build_context(flow, body) == {"name": "Ada", "tags": ["a"], "contact": {"name": "Ada"}}


def test_another_body_than_an_object_is_one_fact() -> None:
    assert contexts.build_context(make_flow(), ["a", 1]) == {"event": ["a", 1]}
    assert contexts.build_context(make_flow(), None) == {}


def test_what_does_not_fit_is_left_out() -> None:
    long = {"text": "a" * 9_000, "system__name": "x", " ": 1, "ok": 2, "deep": [[[[[[[[[1]]]]]]]]]}
    assert contexts.build_context(make_flow(), long) == {"ok": 2}
    many = {f"f{number}": number for number in range(1_000)}
    assert len(contexts.build_context(make_flow(), many)) == task_context.MAX_VALUES


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
@settings(max_examples=50, deadline=None)
def test_every_event_gives_a_valid_context(body: Any) -> None:
    context = contexts.build_context(make_flow(trigger_variables={"x": "/a/0"}), body)
    assert task_context.check_context(context) == context


def test_an_event_states_a_consent_before_the_flow() -> None:
    flow = make_flow(consent_source="business-relationship", consent_date="2026-01-01")
    stated = contexts.find_basis(flow, "trg_1", {"consent_source": "opt-in:web-form", "consent_date": "2026-01-14"})
    assert stated is not None
    assert (stated.source, stated.date, stated.of) == ("opt-in:web-form", "2026-01-14", "trigger:trg_1")
    undated = contexts.find_basis(flow, "trg_1", {"consent_source": "opt-in:web-form"})
    assert undated is not None
    assert undated.date is None
    assert contexts.find_basis(flow, "trg_1", {"consent_source": 1}) == flow.basis
    assert contexts.find_basis(make_flow(), "trg_1", []) is None
