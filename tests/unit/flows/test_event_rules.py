"""The settings that let an event from outside start a flow."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.errors import Invalid
from switchboard.flows import changes, configs, event_starts, service
from switchboard.flows.event_rules import find_event_problems
from switchboard.flows.models import FlowSettings, FlowSource
from tests.actors import system, tenant
from tests.tables import each

WAITING: dict[str, Any] = {
    "name": "Leads",
    "kind": "outbound",
    "trigger_type": "event",
    "trigger_events": ["external.lead.*"],
}


@each(
    "given, field",
    [
        ({}, None),
        ({"trigger_target": "/contact/phone"}, None),
        ({"trigger_target": "{{contact.phone}}"}, None),
        ({"channel": "sms", "kind": "inbound", "greeting": "Hello."}, None),
        ({"trigger_type": "call", "kind": "inbound"}, None),
        ({"trigger_events": []}, "trigger_events"),
        ({"trigger_events": ["call.completed"]}, "trigger_events"),
        ({"trigger_events": ["*"]}, "trigger_events"),
        ({"trigger_events": ["external.a"] * 21}, "trigger_events"),
        ({"kind": "inbound"}, "kind"),
        ({"channel": "sms", "greeting": " "}, "greeting"),
        ({"trigger_target": "phone"}, "trigger_target"),
        ({"trigger_target": "/a~2"}, "trigger_target"),
        ({"trigger_target": "/a" * 17}, "trigger_target"),
    ],
)
def test_settings_fit_together(given: dict[str, Any], field: str | None) -> None:
    found = find_event_problems(FlowSettings.model_validate(WAITING | given))
    assert list(found) == ([field] if field else [])


def test_a_wrong_path_of_a_variable_is_refused(cloud: dict[str, str]) -> None:
    wanted = WAITING | {"trigger_variables": {"name": "contact"}}
    with pytest.raises(Invalid) as refusal:
        service.create_flow(system(tenant().org_id), FlowSettings.model_validate(wanted))
    assert "trigger_variables_json" in refusal.value.details["fields"]


def test_the_configuration_has_the_settings_and_leaves_out_their_defaults() -> None:
    settings = FlowSettings.model_validate(WAITING | {"voice": "alloy", "trigger_variables": {"name": "/name"}})
    text = configs.write_config(settings, "json")
    assert configs.read_config(FlowSource(text, "json")) == settings
    plain = configs.build_config(FlowSettings(name="Desk"))
    assert not {"channel", "trigger_type", "trigger_events", "trigger_variables"} & plain.keys()


def test_an_organization_has_a_limited_number_of_waiting_flows(
    cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_starts, "MAX_EVENT_FLOWS", 1)
    origin = system(tenant().org_id)
    first = service.create_flow(origin, FlowSettings.model_validate(WAITING))
    with pytest.raises(Invalid) as refusal:
        service.create_flow(origin, FlowSettings.model_validate(WAITING))
    assert refusal.value.code == "event_flow_limit"
    changes.update_flow(origin, first.id, {"trigger_events": ["external.other"]})
    changes.update_flow(origin, first.id, {"trigger_type": "call"})
    service.create_flow(origin, FlowSettings.model_validate(WAITING))
