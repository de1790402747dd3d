"""A flow as one text, in JSON and YAML, there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.errors import Invalid
from switchboard.flows import changes, configs, service, versions
from switchboard.flows.configs import build_config, read_config, write_config
from switchboard.flows.models import Flow, FlowSettings, FlowSource, SourceFormat
from tests.actors import Tenant, member, tenant
from tests.unit.properties import example_settings

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

YAML = """\
# The front desk. Ask Grace before you change it.
greeting: Hello.   # short
name: "Front desk"
transfer_map:
  # until six
  billing: "+14155550142"
  sales: '+14155550143'
business_hours:
  monday: &day
    - {start: 09:00, end: 12:00}
  tuesday: *day
system_prompt: |
  You book appointments.

  Be short.
"""


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def saved(acme: Tenant, text: str = YAML, form: SourceFormat = "yaml") -> Flow:
    ada = member(acme.org_id)
    flow = service.create_flow(ada, FlowSettings(name="Desk"))
    return changes.save_config(ada, flow.id, FlowSource(text, form), "First text")


def config_of(acme: Tenant, flow: Flow) -> FlowSource:
    return versions.get_config(acme.org_id, flow.id).source


def test_a_saved_text_is_returned_as_it_was(acme: Tenant) -> None:
    flow = saved(acme)
    assert (flow.version, flow.name, flow.voice) == (2, "Front desk", "alloy")
    assert flow.transfer_map == {"billing": "+14155550142", "sales": "+14155550143"}
    assert flow.business_hours is not None
    assert flow.business_hours["tuesday"] == flow.business_hours["monday"]
    assert config_of(acme, flow) == FlowSource(YAML, "yaml")
    entry, source = versions.get_version_config(acme.org_id, flow.id, "2", "yaml")
    assert (entry.note, entry.format, source.text) == ("First text", "yaml", YAML)
    _, shown = versions.get_version_config(acme.org_id, flow.id, "2", "json")
    assert json.loads(shown.text)["transfer_map"] == flow.transfer_map
    assert versions.get_version_config(acme.org_id, flow.id, "1", "json").source.format == "json"


def test_comments_and_order_stay_after_other_changes(acme: Tenant) -> None:
    flow, ada = saved(acme), member(acme.org_id, name="Bob")
    changed = changes.update_flow(ada, flow.id, {"greeting": "Good morning.", "voicemail_enabled": False})
    text = config_of(acme, changed).text
    assert text.startswith("# The front desk. Ask Grace before you change it.\ngreeting: Good morning.")
    assert all(part in text for part in ("# short", "# until six", 'name: "Front desk"', "&day", "*day"))
    assert text.endswith("voicemail_enabled: false\n")
    assert "voice:" not in text
    assert read_config(FlowSource(text, "yaml")).voicemail_enabled is False
    back = changes.rollback_flow(ada, flow.id, 2)
    assert config_of(acme, back).text == YAML
    plain = changes.rollback_flow(ada, flow.id, 1)
    assert json.loads(config_of(acme, plain).text)["name"] == "Desk"


def test_a_value_with_an_anchor_that_goes_leaves_a_valid_text(acme: Tenant) -> None:
    flow, ada = saved(acme), member(acme.org_id, name="Bob")
    changed = changes.update_flow(ada, flow.id, {"business_hours_json": None, "greeting": ""})
    text = config_of(acme, changed).text
    assert "business_hours" not in text
    assert build_config(read_config(FlowSource(text, "yaml"))) == build_config(changed)


def test_a_very_large_text_is_written_without_its_comments(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def write() -> None:
        raise AssertionError("YAML is written")

    monkeypatch.setattr(configs, "_yaml", write)
    parts = "".join(f"    p{at}: {{type: string}}\n" for at in range(600))
    text = f"# Large\nname: Desk\noutcome_schema:\n  type: object\n  properties:\n{parts}"
    flow = saved(acme, text)
    assert config_of(acme, flow).text == text
    changed = changes.update_flow(member(acme.org_id, name="Bob"), flow.id, {"greeting": "Hi."})
    source = config_of(acme, changed)
    assert source.format == "yaml"
    assert build_config(read_config(source)) == build_config(changed)


def test_json_keeps_the_order_of_its_keys(acme: Tenant) -> None:
    flow = saved(acme, '{"voice": "alloy", "name": "Desk"}', "json")
    changed = changes.update_flow(member(acme.org_id, name="Bob"), flow.id, {"name": "Office"})
    assert list(json.loads(config_of(acme, changed).text))[:2] == ["voice", "name"]


@pytest.mark.parametrize(
    ("text", "form", "problem", "line"),
    [
        ("name: Desk\ntools:\n  - name: a\n    url: http://example.com\n", "yaml", "line 4, at tools[0].url:", 4),
        ("name: Desk\nvoice: nobody\n", "yaml", "line 2, at voice: must be one of", 2),
        ("name: Desk\ngreting: Hi\n", "yaml", "line 2, at greting: is not a known setting", 2),
        ("greeting: Hi\n", "yaml", "line 1, at name: is missing", 1),
        ("name: 12\n", "yaml", "line 1, at name: must be a text: put it in quotes", 1),
        ("name: Desk\ntransfer_map:\n  a: +14155550142\n", "yaml", "line 3, at transfer_map.a: must be a text", 3),
        ('{"name": "Desk",\n "tools_json": "[]"}', "json", "line 2, at tools_json: must be tools", 2),
        ('{"name": "Desk",\n "kind": "both"}', "json", "line 2, at kind: must be 'inbound' or 'outbound'", 2),
        (
            '{"name": "Desk",\n "voicemail_enabled": 2}',
            "json",
            "line 2, at voicemail_enabled: must be true or false",
            2,
        ),
        ('{"name": "Desk",\n "tools": null}', "json", "line 2, at tools: must be a list", 2),
        ("[]", "json", "must be an object", 1),
        ("a: [b]\n" * 2, "yaml", "line 2, at a: is there twice", 2),
        ("name: Desk", "json", "line 1: is not valid JSON", 1),
    ],
)
def test_an_error_names_line_and_path(text: str, form: SourceFormat, problem: str, line: int) -> None:
    with pytest.raises(Invalid) as refused:
        read_config(FlowSource(text, form))
    assert refused.value.code == "invalid_config"
    assert problem in refused.value.details["fields"]["source"]
    assert refused.value.details["line"] == line


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=30)
NUMBERS = st.integers(2_000_000, 9_999_999).map(lambda end: f"+1415{end}").filter(lambda one: one[5] in "23456789")


@given(
    st.builds(
        FlowSettings,
        name=st.just("Desk") | st.sampled_from(["yes", "1", "~", "a: b", "#x", "- a", "2026-01-01", "'", '"']),
        greeting=TEXTS,
        system_prompt=TEXTS,
        voice=st.sampled_from(["alloy", "Puck"]),
        voicemail_enabled=st.booleans(),
        transfer_map_json=st.dictionaries(st.sampled_from(["sales", "on", "1.0", "a b"]), NUMBERS).map(json.dumps),
        after_hours_message=st.none() | TEXTS,
        outcome_schema_json=st.none() | st.just('{"type": "object", "minProperties": 1, "x": [1.5, null, "09:00"]}'),
    ),
    st.sampled_from(["json", "yaml"]),
)
@example_settings(150)
def test_every_configuration_comes_back_as_it_was(settings: FlowSettings, form: Any) -> None:
    text = write_config(settings, form)
    assert build_config(read_config(FlowSource(text, form))) == build_config(settings)
