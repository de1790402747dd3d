"""The settings of a flow: what each field may be, and the errors inside its texts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.errors import Invalid
from switchboard.flows.models import FlowSettings
from switchboard.flows.rules import MAX_NAME, check_settings, list_voice_ids

pytestmark = pytest.mark.usefixtures("cloud")

TOOL = {"name": "book", "url": "https://example.com/book"}


def problem_of(**settings: Any) -> str:
    with pytest.raises(Invalid) as refused:
        check_settings(FlowSettings.model_validate({"name": "Desk"} | settings))
    return "; ".join(f"{name}: {problem}" for name, problem in refused.value.details["fields"].items())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"tools_json": "[\n {]"}, "tools_json: line 2: is not valid JSON"),
        ({"tools_json": "{}"}, "tools_json: line 1: must be a list"),
        ({"tools": [{"name": "a"}]}, "at [0].url: is missing"),
        ({"tools": [TOOL | {"uri": "x"}]}, "at [0].uri: is not a known field"),
        ({"tools": [TOOL, TOOL]}, "at [1].name: is the name of another tool"),
        ({"tools": [TOOL | {"name": "a b"}]}, "at [0].name: must have 1 to 64 letters"),
        ({"tools": [TOOL | {"url": "http://example.com"}]}, "at [0].url: must begin with https://"),
        ({"tools": [TOOL | {"url": "https://169.254.169.254/"}]}, "at [0].url: has a host that is not on the public"),
        ({"tools": [TOOL | {"method": "DELETE"}]}, "at [0].method: must be 'GET' or 'POST'"),
        ({"tools": [TOOL | {"parameters": {"type": "object", "properties": {"a": {"type": "x"}}}}]}, "a.type: "),
        ({"tools": [TOOL | {"parameters": {"type": "string"}}]}, 'at [0].parameters.type: must have the type "object"'),
        ({"tools": [TOOL | {"name": f"t{at}"} for at in range(33)]}, "more than 32 tools"),
        ({"transfer_map": {"sales": "555-0142"}}, "at sales: must be an E.164 number"),
        ({"transfer_map": {"sales": "+14155"}}, "at sales: must be an E.164 number"),
        ({"transfer_map": {"sales": "+11234567890"}}, "at sales: "),
        ({"transfer_map": {"": "+14155550142"}}, "label of 1 to 64 characters"),
        ({"transfer_map": {"a\nb": "+14155550142"}}, "control character U+000A"),
        ({"transfer_map": {f"l{at}": "+14155550142" for at in range(51)}}, "more than 50 labels"),
        (
            {"kind": "outbound", "purpose": "telemarketing", "voicemail_leave_message": "A sale! Call 415-555-0142."},
            "voicemail_leave_message: must have a toll-free number in digits, for example 800-555-0199",
        ),
        ({"transfer_map": {"sales": 14155550142}}, "at sales: must be a text"),
        ({"flow_transfer_map": {"sales": "desk"}}, "at sales: must be the id of a flow"),
        (
            {"outcome_schema_json": '{"type": "object",\n "$ref": "http://a.example/b"}'},
            'line 2, at ["$ref"]: must refer',
        ),
        ({"business_hours": {"mon": []}}, "at mon: is not a day: use monday, tuesday"),
        ({"business_hours": {"monday": [{"start": "9:00", "end": "17:00"}]}}, "at monday[0].start: must be a time"),
        ({"business_hours": {"monday": [{"start": "24:00", "end": "01:00"}]}}, "at monday[0].start: must be a time"),
        ({"business_hours": {"monday": [{"start": "09:00", "end": "09:00"}]}}, "at monday[0]: is empty"),
        (
            {
                "business_hours": {
                    "monday": [{"start": "22:00", "end": "02:00"}, {"start": "09:00", "end": "22:01"}],
                }
            },
            "at monday[0]: overlaps another window",
        ),
        ({"holidays": [{"name": "x"}]}, "at [0]: must have either date or rule"),
        ({"holidays": [{"date": "12-25", "rule": "easter"}]}, "at [0]: must have either date or rule"),
        ({"holidays": [{"date": "2026-02-30"}]}, "at [0].date: is not a day of the calendar"),
        ({"holidays": [{"rule": "some monday"}]}, "at [0].rule: must be a rule such as"),
        ({"holidays": [{"date": "12-25", "hours": [{"start": "x", "end": "y"}]}]}, "at [0].hours[0].start"),
        ({"timezone": "Mars/Base"}, "timezone: must be an IANA time zone"),
        ({"timezone": "../etc/passwd"}, "timezone: must be an IANA time zone"),
        ({"business_hours_enabled": True}, "business_hours_enabled: needs business_hours_json or holidays_json"),
        ({"voice": "nobody"}, "voice: must be one of alloy, Aoede, ash"),
        ({"greeting": "a\x00b"}, "greeting: holds the control character U+0000"),
        ({"greeting": "x" * 2_001}, "greeting: has more than 2,000 characters"),
        ({"name": " "}, f"name: must have 1 to {MAX_NAME} characters"),
        ({"name": "a\u202eb"}, "name: holds the control character U+202E"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(settings: dict[str, Any], problem: str) -> None:
    assert problem in problem_of(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "outbound", "purpose": "telemarketing", "voicemail_leave_message": "A sale! Call 1 (888) 555-0142."},
        {"kind": "outbound", "purpose": "telemarketing", "voicemail_leave_message": ""},
        {"kind": "outbound", "voicemail_leave_message": "See you on Monday."},
        {"kind": "inbound", "purpose": "telemarketing", "voicemail_leave_message": "Please leave a message."},
    ],
)
def test_a_message_for_machines_that_the_law_allows_is_kept(settings: dict[str, Any]) -> None:
    assert check_settings(FlowSettings.model_validate({"name": "Desk"} | settings))


def test_all_wrong_fields_are_named_at_once() -> None:
    problems = problem_of(voice="nobody", tools_json="[", timezone="x")
    assert all(name in problems for name in ("voice:", "tools_json:", "timezone:"))


def test_texts_stay_as_they_are_and_have_their_values() -> None:
    text = '{ "monday" : [ {"start":"09:00", "end":"24:00"} ] }\n'
    settings = check_settings(
        FlowSettings(
            name="Desk",
            business_hours_json=text,
            business_hours_enabled=True,
            tools_json=json.dumps([TOOL]),
            transfer_map_json='{"Sales & more": "+14155550142"}',
            outcome_schema_json='{"type": "object"}',
            voice="alloy",
        )
    )
    assert settings.business_hours_json == text
    assert settings.business_hours is not None
    assert settings.business_hours["monday"][0].end_minute == 1_440
    assert (settings.tools[0].method, settings.tools[0].parameters["type"]) == ("POST", "object")
    assert settings.transfer_map == {"Sales & more": "+14155550142"}
    assert settings.outcome_schema == {"type": "object"}
    assert {"alloy", "Puck"} < set(list_voice_ids())


def test_a_flow_that_is_too_large_in_all_is_refused() -> None:
    schema = {"type": "object", "description": "é" * 30_000}
    tools = [TOOL | {"name": f"t{at}", "parameters": {"type": "object", "title": "x" * 9_000}} for at in range(7)]
    settings = FlowSettings(
        name="Desk",
        system_prompt="𝄞" * 40_000,
        outcome_schema_json=json.dumps(schema, ensure_ascii=False),
        tools_json=json.dumps(tools),
    )
    with pytest.raises(Invalid, match="larger than 200 KB"):
        check_settings(settings)
