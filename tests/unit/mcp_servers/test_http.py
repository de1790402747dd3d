"""HUM's `/api/mcp-servers*`, as a browser sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local import pool
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import clock
from switchboard.people import sessions
from switchboard.team.permissions import Role
from tests.actors import member, tenant
from tests.load.request import api_event

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

WANTED = {
    "label": "orders",
    "transport": "worker_streamable_http",
    "server_url": "https://Tools.example.com/mcp",
    "auth_type": "bearer",
    "credential": "s3cret",
}


class Browser:
    """Sends requests of a member."""

    def __init__(self, org_id: str, role: Role = Role.ADMIN, name: str = "Ada") -> None:
        self._cookie = sessions.open_session(member(org_id, role, name).user, org_id)

    def ask(self, method: str, target: str = "", body: Any = None) -> tuple[int, Any]:
        """The status and the body of the response."""
        request = api_event(method, f"/api/mcp-servers{target}", {"cookie": f"{COOKIE}={self._cookie}"}, body)
        response = pool.invoke("hum/mcp_servers", request)
        return response["statusCode"], json.loads(response["body"])


@pytest.fixture
def browser(cloud: dict[str, str], frozen: clock.FrozenClock) -> Browser:
    return Browser(tenant().org_id)


def test_one_is_created_read_changed_listed_and_deleted(browser: Browser) -> None:
    status, made = browser.ask("POST", body=WANTED)
    assert (status, made) == (
        201,
        {
            "id": made["id"],
            "label": "orders",
            "description": None,
            "flow_id": None,
            "transport": "worker_streamable_http",
            "server_url": "https://tools.example.com/mcp",
            "connector_id": None,
            "auth_type": "bearer",
            "credential_header": None,
            "has_credential": True,
            "allowed_tools_json": None,
            "auto_approve_tools_json": None,
            "require_approval_default": "always",
            "enabled": 1,
            "check_state": "pending",
            "last_status": None,
            "last_checked_at": None,
            "tools": [],
            "created_at": clock.now_iso(),
            "updated_at": clock.now_iso(),
        },
    )
    target = f"/{made['id']}"
    assert browser.ask("GET", target) == (200, made)
    changed = made | {"enabled": 0, "has_credential": False}
    assert browser.ask("PATCH", target, {"enabled": 0, "credential": None}) == (200, changed)
    assert browser.ask("GET") == (200, {"mcp_servers": [changed]})
    assert browser.ask("POST", f"{target}/check") == (202, {"ok": True, "queued": True})
    assert browser.ask("DELETE", target) == (200, {"ok": True})
    assert browser.ask("GET", target)[0] == 404


def test_an_error_names_the_fields(browser: Browser) -> None:
    for body, fields in (
        ({}, ["label"]),
        ({"label": "Upper"}, ["label"]),
        ({"label": "x" * 65}, ["label"]),
        ({"label": "orders"}, ["server_url"]),
        ({**WANTED, "enabled": 2, "transport": "stdio"}, ["transport", "enabled"]),
        ({**WANTED, "server_url": "http://tools.example.com", "allowed_tools_json": "[1]"}, None),
    ):
        status, answer = browser.ask("POST", body=body)
        assert status == 400, body
        found = [detail["field"] for detail in answer["details"]]
        assert found == (fields or ["server_url", "allowed_tools_json"])
    assert "line 1, at [0]: must be a tool's name" in answer["details"][1]["message"]


def test_an_operator_reads_and_a_viewer_does_not() -> None:
    org_id = tenant().org_id
    _, made = Browser(org_id).ask("POST", body=WANTED)
    operator, viewer = Browser(org_id, Role.OPERATOR, "Olga"), Browser(org_id, Role.VIEWER, "Vic")
    assert operator.ask("GET")[1]["mcp_servers"] == [made]
    target = f"/{made['id']}"
    for method, place in (("POST", ""), ("PATCH", target), ("DELETE", target), ("POST", f"{target}/check")):
        assert operator.ask(method, place, {"label": "vic"} if place != f"{target}/check" else None)[0] == 403
    assert viewer.ask("GET")[0] == viewer.ask("GET", target)[0] == 403
