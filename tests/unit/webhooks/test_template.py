"""Templates at their save: each mistake is named with its place, and no text raises anything else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.dialects.hum.webhook_catalog import catalog
from switchboard.errors import Invalid
from switchboard.webhooks import bodies, previews, template
from tests.tables import each
from tests.unit.properties import example_settings

CALL = ["call.completed"]


def refusal_of(text: str, filters: list[str] | None = None) -> str:
    with pytest.raises(Invalid) as refusal:
        template.check_template(text, catalog().list_schemas(filters) if filters else None)
    return str(refusal.value.details["fields"]["template"])


@each(
    "text, problem",
    [
        ('{"a": 1,\n "b": }', "line 2: is not valid JSON: expecting value (column 7)"),
        ('{"a": 1, "a": 2}', "line 1, at a: is there twice: remove one"),
        ('{"a": 1e999}', "contains the number 1e999, which is too large"),
        ('{"a": "\\ud800"}', "line 1, at a: contains half of a surrogate pair: send complete characters"),
        (
            '{\n  "a": [\n    "{{data.id"\n  ]\n}',
            "line 3, column 5, at a[0]: has {{ without a path and }}: write {{name}} or {{name.name}}",
        ),
        (
            '{"a": {"b": "{{data-id}}"}}',
            "line 1, column 13, at a.b: has {{ without a path and }}: write {{name}} or {{name.name}}",
        ),
        ('"{{}}"', "line 1, column 1: has {{ without a path and }}: write {{name}} or {{name.name}}"),
        ('{"a": "{{data..id}}"}', "line 1, column 7, at a: has an empty name in {{data..id}}: remove a dot"),
        ('"x" * 9000', "line 1: is not valid JSON: extra data (column 5)"),
        (json.dumps("x" * 9_000), "is too long: use at most 8,192 characters"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, problem: str) -> None:
    assert refusal_of(text) == problem


@each(
    "path, filters, known",
    [
        ("data.summary.tldr", CALL, True),
        ("data.contact.display_name", CALL, False),
        ("data.summary.tldr", ["sms.*"], False),
        ("data.summary.tldr", ["sms.*", "call.outcome"], True),
        ("data.body.issue.number", ["external.github.*"], True),
        ("data.webhook_id", CALL, False),
        ("data.webhook_id", ["*"], True),
        ("id", CALL, True),
    ],
)
def test_a_value_that_no_subscribed_event_has_is_refused(path: str, filters: list[str], known: bool) -> None:
    text = f'{{"details": {{"value": "<{{{{{path}}}}}>"}}}}'
    if known:
        assert template.check_template(text, catalog().list_schemas(filters)) == text
    else:
        wrong = f"line 1, column 23, at details.value: no subscribed event has a value at {{{{{path}}}}}"
        assert refusal_of(text, filters) == wrong


#: Texts that are nearly templates: braces, paths, quotes, escapes and odd characters in any order.
_PIECES = st.sampled_from(
    [
        *("{{", "}}", "{", "}", "[", "]", '"', ":", ",", " ", "\n", ".", "data", "data.id", "type", "0", "a", "\\"),
        *('"{{data.id}}"', '{"a": ', '"b"', "1e999", "-0", "NaN", "\\ud800", "\\u007b\\u007b", "²", "é", "\x00"),
        *("\ud800", "true", "null", "9" * 5_000, "{{data.summary.tldr}}", "{{ type }}"),
    ]
)
_NEARLY = st.lists(_PIECES, max_size=12).map("".join)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _NEARLY,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(_NEARLY, below, max_size=3),
    max_leaves=10,
).map(json.dumps)


@given(text=_NEARLY | _JSON)
@example_settings(50)
def test_no_text_raises_anything_but_invalid_and_each_body_is_json(text: str) -> None:
    for entry in (catalog().get_entry("call.completed"), catalog().get_entry("external.x")):
        try:
            template.check_template(text, [entry.schema])
        except Invalid:
            continue
        made = bodies.shape_body(text, entry.example)
        json.loads(made.text, parse_constant=pytest.fail)
        assert len(made.text.encode()) <= bodies.MAX_BODY_BYTES


@each(
    "unit",
    ["{{", "{{ ", "{{a", "{{a ", "{{a}} ", "}}", "{{{{a}}}}", "[", "{{a.", "\\u007b\\u007b", '","'],
)
def test_the_time_of_a_check_grows_with_the_text_and_no_faster(unit: str) -> None:
    text = f'["{unit * ((template.MAX_TEMPLATE_CHARACTERS - 4) // len(unit))}"]'
    started = time.process_time()
    try:
        template.check_template(text, catalog().list_schemas(["*"]))
        bodies.shape_body(text, {"a": "x" * 20_000})
    except Invalid:
        pass
    # A quadratic scan of 8,192 characters takes some seconds.
    assert time.process_time() - started < 0.5


def preview(text: str, **given: Any) -> previews.TemplatePreview:
    return previews.preview_template(catalog(), text, **given)


def test_a_preview_fills_the_example_of_an_event() -> None:
    found = preview('{"text": "From {{data.from_e164}}", "all": "{{data.media}}"}', event="sms.received")
    assert found.payload == {"text": "From +14155550142", "all": []}
    assert (found.is_shortened, found.warnings) == (False, [])
    assert found.size_bytes == len(json.dumps(found.payload, separators=(",", ":")))


def test_a_preview_fills_a_given_body_and_warns_of_what_it_lacks() -> None:
    found = preview('["{{data.a}}", "{{data.b}}"]', body={"data": {"a": {"deep": [1]}}})
    assert found.payload == [{"deep": [1]}, None]
    assert found.warnings == [("data.b", "the body has no such value")]


def test_a_preview_names_the_subscribed_events_without_a_value() -> None:
    text = '["{{data.number_e164}}", "{{data.nothing}}", "{{id}}"]'
    found = preview(text, event="sms.sent", filters=["sms.sent", "conversation.closed"])
    assert found.warnings == [
        ("data.number_e164", "sms.sent has no such value"),
        ("data.nothing", "sms.sent has no such value"),
        ("data.number_e164", "these subscribed events have no such value: sms.sent"),
        ("data.nothing", "no subscribed event has such a value: the template cannot be saved"),
    ]


def test_a_preview_of_a_long_body_says_that_it_is_shortened() -> None:
    found = preview('["{{data}}"]', body={"data": "x" * 30_000})
    assert found.is_shortened
    assert found.size_bytes < 1_000


@each("given", [{}, {"event": "sms.sent", "body": {}}])
def test_a_preview_needs_an_event_or_a_body(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        preview('"x"', **given)


def test_a_preview_of_an_unknown_event_suggests_a_name() -> None:
    with pytest.raises(Invalid) as refusal:
        preview('"x"', event="sms.receivd")
    assert refusal.value.details["fields"] == {"event": "no event is 'sms.receivd': did you mean sms.received?"}


def test_a_preview_for_unknown_events_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        preview('"x"', event="sms.received", filters=["sms.*", "emails.*"])
    assert refusal.value.details["fields"] == {"events": "no event matches 'emails.*': did you mean email.*?"}
