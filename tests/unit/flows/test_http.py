"""HUM's `/api/flows*`, as a browser uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local import pool
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.flows import assignments
from switchboard.kit import clock
from switchboard.people import sessions
from tests.actors import Tenant, member, tenant
from tests.load.request import api_event
from tests.unit.flows.test_changes import make_number

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def ask_as_member(org_id: str) -> Ask:
    """Returns a function that sends requests of an admin."""
    cookie = sessions.open_session(member(org_id).user, org_id)

    def ask(method: str, target: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"cookie": f"{COOKIE}={cookie}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = pool.invoke("hum/flows", api_event(method, f"/api/flows{target}", sent, body))
        return answer["statusCode"], json.loads(answer["body"])

    return ask


def test_a_flow_is_created_with_the_defaults_of_the_contract(acme: Tenant) -> None:
    ask = ask_as_member(acme.org_id)
    status, made = ask("POST", "", {"name": "Desk"})
    assert status == 201
    assert made == {
        "id": made["id"],
        "name": "Desk",
        "kind": "inbound",
        "greeting": "",
        "system_prompt": "",
        "voice": "alloy",
        "voicemail_enabled": 1,
        "announce_recording": 1,
        "tools_json": "[]",
        "transfer_map_json": "{}",
        "flow_transfer_map_json": "{}",
        "outcome_schema_json": None,
        "caller_id_number_id": None,
        "voicemail_leave_message": None,
        "provider": None,
        "timezone": None,
        "business_hours_json": None,
        "holidays_json": None,
        "after_hours_message": None,
        "business_hours_enabled": 0,
        "channel": "voice",
        "trigger_type": "call",
        "trigger_events": [],
        "trigger_target": None,
        "trigger_variables_json": "{}",
        "consent_source": None,
        "consent_date": None,
        "version": 1,
        "assigned_numbers": [],
        "created_at": clock.now_iso(),
        "updated_at": clock.now_iso(),
        "updated_by": made["updated_by"],
    }
    assert ask("GET", f"/{made['id']}") == (200, made)
    assert ask("GET", "") == (200, {"flows": [made], "next_cursor": None})


def test_a_patch_changes_only_what_it_sends(acme: Tenant) -> None:
    ask = ask_as_member(acme.org_id)
    _, made = ask("POST", "", {"name": "Desk", "greeting": "Hi.", "voicemail_enabled": 0, "after_hours_message": "No."})
    _, changed = ask("PATCH", f"/{made['id']}", {"voice": "Puck", "after_hours_message": None}, if_match="1")
    assert changed == made | {"voice": "Puck", "after_hours_message": None, "version": 2}
    assert ask("PATCH", f"/{made['id']}", {"name": "Office"}, if_match='"2"')[1]["voicemail_enabled"] == 0
    status, refused = ask("PATCH", f"/{made['id']}", {"name": "Late"}, if_match="1")
    assert (status, refused["code"], refused["details"]) == (409, "version_conflict", [{"version": 3}])
    for body in ({"name": ""}, {"name": None}, {"tools_json": None}, {"voicemail_enabled": 2}):
        assert ask("PATCH", f"/{made['id']}", body)[0] == 400


def test_an_error_in_a_text_names_field_line_and_path(acme: Tenant) -> None:
    status, refused = ask_as_member(acme.org_id)("POST", "", {"name": "Desk", "tools_json": '[\n {"name": "a"}\n]'})
    assert (status, refused["error"]) == (400, "invalid_request")
    assert refused["details"] == [{"field": "tools_json", "message": "line 2, at [0].url: is missing"}]


def test_a_configuration_is_saved_read_and_rolled_back(acme: Tenant) -> None:
    ask = ask_as_member(acme.org_id)
    _, made = ask("POST", "", {"name": "Desk"})
    at, source = f"/{made['id']}", "# mine\nname: Front desk\n"
    body = {"format": "yaml", "source": source, "note": "Mine"}
    status, saved = ask("PUT", f"{at}/config", body)
    assert (status, saved["version"], saved["source"]) == (200, 2, source)
    assert ask("GET", f"{at}/config") == (200, saved)
    status, refused = ask("PUT", f"{at}/config", {"format": "yaml", "source": "name: a\nx: &x [*x]\n"})
    assert (status, refused["code"]) == (400, "invalid_config")
    _, listed = ask("GET", f"{at}/versions?limit=1")
    assert [(one["version"], one["note"], one["format"]) for one in listed["versions"]] == [(2, "Mine", "yaml")]
    _, rest = ask("GET", f"{at}/versions?cursor={listed['next_cursor']}")
    assert ([one["version"] for one in rest["versions"]], rest["next_cursor"]) == ([1], None)
    assert ask("GET", f"/{ask('POST', '', {'name': 'B'})[1]['id']}/versions?cursor={listed['next_cursor']}")[0] == 400
    assert ask("GET", f"{at}/versions/2?format=yaml")[1]["source"] == source
    assert json.loads(ask("GET", f"{at}/versions/2")[1]["source"])["name"] == "Front desk"
    assert ask("POST", f"{at}/rollback", {"version": 1, "note": "Back"})[1]["name"] == "Desk"
    for version in ("9", "0", "x", "-1", "99999999999", "\u0661"):
        assert ask("GET", f"{at}/versions/{version}")[0] == 404
    assert ask("POST", f"{at}/rollback", {"version": 9})[0] == 404
    status, copy = ask("POST", f"{at}/duplicate")
    assert (status, copy["name"], copy["version"]) == (201, "Copy of Desk", 1)


def test_a_flow_in_use_is_listed_with_its_numbers_and_stays(acme: Tenant) -> None:
    ask, ada = ask_as_member(acme.org_id), member(acme.org_id, name="Bob")
    _, made = ask("POST", "", {"name": "Desk"})
    number = make_number(ada)
    assignments.update_number(ada, number.id, {"flow_id": made["id"]})
    used = {"id": number.id, "e164": number.e164, "friendly_name": "Desk", "calls": True, "texts": False}
    assert ask("GET", f"/{made['id']}")[1]["assigned_numbers"] == [used]
    assert ask("GET", "")[1]["flows"][0]["assigned_numbers"] == [used]
    status, refused = ask("DELETE", f"/{made['id']}")
    assert (status, refused["code"]) == (400, "flow_in_use")
    assert refused["details"] == [{"numbers": [{"id": number.id, "e164": number.e164}]}, {"flows": []}]
    assignments.update_number(ada, number.id, {"flow_id": None})
    assert ask("DELETE", f"/{made['id']}") == (200, {"ok": True})
    assert ask("GET", f"/{made['id']}")[0] == 404
