"""Bad input of flows over HTTP is refused with a reason, and the examples of the document are accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.actors import Tenant, member, tenant
from tests.unit.flows.test_changes import make_number
from tests.unit.flows.test_http import Ask, ask_as_member
from tests.unit.flows.test_source import BOMB

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

_DOCUMENT = json.loads((Path(__file__).parents[3] / "functions/portal/documents/hum.json").read_text())
_TEXTS = (
    *("tools_json", "transfer_map_json", "flow_transfer_map_json"),
    *("outcome_schema_json", "business_hours_json", "holidays_json"),
)


def list_examples(schema: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _DOCUMENT["components"]["schemas"][schema]["examples"]
    assert found
    return found


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


@pytest.fixture
def ask(acme: Tenant) -> Ask:
    return ask_as_member(acme.org_id)


def create_flow(ask: Ask, name: str = "Desk") -> str:
    status, made = ask("POST", "", {"name": name})
    assert status == 201
    return f"/{made['id']}"


@pytest.mark.parametrize("example", list_examples("FlowInput"))
def test_an_example_of_a_new_flow_is_accepted(ask: Ask, example: dict[str, Any]) -> None:
    status, made = ask("POST", "", example)
    assert (status, made["name"]) == (201, example["name"])


@pytest.mark.parametrize("example", list_examples("FlowChanges"))
def test_an_example_of_a_change_is_accepted(ask: Ask, example: dict[str, Any]) -> None:
    status, changed = ask("PATCH", create_flow(ask), example)
    assert (status, {name: changed[name] for name in example}) == (200, example)


@pytest.mark.parametrize("example", list_examples("FlowConfigInput"))
def test_an_example_of_a_configuration_is_accepted_and_makes_a_flow(ask: Ask, example: dict[str, Any]) -> None:
    status, saved = ask("PUT", f"{create_flow(ask)}/config", example)
    assert (status, saved["source"], saved["version"]) == (200, example["source"], 2)


@pytest.mark.parametrize("example", list_examples("FlowRollbackInput"))
def test_an_example_of_a_rollback_is_accepted(ask: Ask, example: dict[str, Any]) -> None:
    at = create_flow(ask)
    ask("PATCH", at, {"greeting": "New"})
    status, flow = ask("POST", f"{at}/rollback", example)
    assert (status, flow["greeting"]) == (200, "")


@pytest.mark.parametrize("field", _TEXTS)
@pytest.mark.parametrize("text", ["{", "nonsense", "[" * 5_000, '{"a": NaN}', "7"])
def test_invalid_json_inside_a_field_names_the_field(ask: Ask, field: str, text: str) -> None:
    status, refused = ask("POST", "", {"name": "Desk", field: text})
    assert status == 400
    assert [detail["field"] for detail in refused["details"]] == [field]
    assert ask("GET", "")[1]["flows"] == []


def test_a_yaml_bomb_is_refused(ask: Ask) -> None:
    at = create_flow(ask)
    status, refused = ask("PUT", f"{at}/config", {"format": "yaml", "source": BOMB})
    assert (status, refused["code"]) == (400, "invalid_config")
    assert ask("GET", at)[1]["version"] == 1


def test_a_version_of_another_flow_is_unknown(ask: Ask) -> None:
    at, other = create_flow(ask), create_flow(ask, "Other")
    ask("PATCH", other, {"greeting": "Hello."})
    assert ask("GET", f"{other}/versions/2")[0] == 200
    assert ask("GET", f"{at}/versions/2")[0] == 404
    assert ask("POST", f"{at}/rollback", {"version": 2})[0] == 404


def test_a_number_of_another_organization_is_unknown(ask: Ask) -> None:
    theirs = make_number(member(tenant("other").org_id, name="Eve"))
    at = create_flow(ask)
    status, refused = ask("PATCH", at, {"caller_id_number_id": theirs.id})
    assert (status, refused["details"][0]["field"]) == (400, "caller_id_number_id")
    assert theirs.e164 not in json.dumps(refused)
    assert ask("GET", at)[1]["caller_id_number_id"] is None


@pytest.mark.parametrize("field", ["name", "greeting", "system_prompt"])
def test_a_control_character_is_refused(ask: Ask, field: str) -> None:
    status, refused = ask("POST", "", {"name": "Desk"} | {field: "a\x00b"})
    assert (status, refused["details"][0]["field"]) == (400, field)
