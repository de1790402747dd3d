"""The tools of MCP servers that the AI is offered, and the use of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from switchboard.carriers import mcp_tools
from switchboard.carriers.mcp_tools import ToolReply, ToolServer
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.mcp_servers import service, tools
from switchboard.outbound.loops import LOOP_HEADER
from tests.actors import Tenant, system, tenant
from tests.fakes.mcp_servers import SCHEMA
from tests.unit.mcp_servers.life import create, with_tools


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def names(acme: Tenant, flow_id: str | None = None) -> list[str]:
    return [tool.name for tool in tools.list_offered_tools(acme.org_id, flow_id)]


def test_a_flow_has_the_tools_of_its_servers_and_of_those_of_every_flow(acme: Tenant) -> None:
    desk, other = (flows.create_flow(system(acme.org_id), FlowSettings(name=name)).id for name in ("Desk", "Other"))
    with_tools(create(acme, "all"), "look_up", "cancel", allowed_tools_json='["look_up"]')
    with_tools(create(acme, "zdesk", flow_id=desk), "open")
    with_tools(create(acme, "off"), "look_up", enabled=False)
    with_tools(create(acme, "hosted", transport="hosted"), "look_up")
    with_tools(create(tenant("other"), "foreign"), "look_up")
    assert names(acme, desk) == ["zdesk__open", "all__look_up"]
    assert names(acme, other) == ["all__look_up"]


def test_a_model_s_vendor_gets_only_tools_without_approvals(acme: Tenant) -> None:
    hosted = {"transport": "hosted", "server_url": None, "connector_id": "c1"}
    create(acme, "waits", **hosted)
    create(acme, "some", "s3cret", **hosted, auto_approve_tools_json='["a", "b"]', allowed_tools_json='["a"]')
    create(acme, "all", **hosted, require_approval_default="never")
    create(acme, "off", **hosted, require_approval_default="never", enabled=False)
    create(acme, "bare", **hosted, require_approval_default="never", auth_type="bearer")
    create(acme, "by_url", "s3cret", transport="hosted", require_approval_default="never")
    create(acme, "dialed", require_approval_default="never")
    found = {one.label: (one.tools, one.connector_id) for one in tools.list_hosted_servers(acme.org_id, None)}
    assert found == {"some": (["a"], "c1"), "all": (None, "c1"), "by_url": (None, None)}
    headers = [one.headers for one in tools.list_hosted_servers(acme.org_id, None)]
    assert headers == [
        {"authorization": "Bearer s3cret"},
        {},
        # The vendor may dial our own server for models, which refuses this header.
        {"authorization": "Bearer s3cret", LOOP_HEADER: "1"},
    ]


def test_a_turn_has_at_most_32_tools(acme: Tenant) -> None:
    with_tools(create(acme, "a"), *(f"t{number}" for number in range(40)))
    assert len(names(acme)) == 32


def test_a_tool_never_stands_in_for_another_one_of_the_same_name(acme: Tenant) -> None:
    with_tools(create(acme, "crm__x"), "lookup", "other")
    with_tools(create(acme, "crm", require_approval_default="never"), "x__lookup", "mine")
    assert names(acme) == ["crm__mine", "crm__x__other"]
    assert tools.find_offered_tool(acme.org_id, None, "crm__x__lookup") is None
    other = tools.find_offered_tool(acme.org_id, None, "crm__x__other")
    assert other is not None
    assert other.needs_approval


def test_a_hostile_server_does_not_fill_the_prompt(acme: Tenant) -> None:
    desk = flows.create_flow(system(acme.org_id), FlowSettings(name="Desk")).id
    large = {"name": "large", "parameters": {**SCHEMA, "description": "x" * 30_000}}
    tools_of = [large | {"name": f"large{number}"} for number in range(5)] + [{"name": "small", "parameters": SCHEMA}]
    with_tools(create(acme, "a"), tools=tools_of)
    with_tools(create(acme, "z", flow_id=desk), tools=[large])
    assert names(acme, desk) == ["z__large", "a__small"]
    told = [one.describe() for one in tools.list_offered_tools(acme.org_id, desk)]
    assert len(json.dumps(told)) < 41_000


def test_tools_that_wait_take_no_room_from_a_call(acme: Tenant) -> None:
    with_tools(create(acme, "a"), *(f"t{number}" for number in range(32)))
    with_tools(create(acme, "b", require_approval_default="never"), "free")
    offered = tools.list_offered_tools(acme.org_id, None, only_free=True)
    assert [one.name for one in offered] == ["b__free"]


def test_each_use_needs_an_approval_unless_the_settings_say_otherwise(acme: Tenant) -> None:
    made = with_tools(create(acme), "look_up", "cancel", auto_approve_tools_json='["look_up"]')
    assert (made.needs_approval("look_up"), made.needs_approval("cancel")) == (False, True)
    never = with_tools(create(acme, "never"), "cancel", require_approval_default="never")
    assert not never.needs_approval("cancel")
    told = {one.name: one.describe()["description"] for one in tools.list_offered_tools(acme.org_id, None)}
    assert "approve" in told["orders__cancel"]
    assert "approve" not in told["orders__look_up"]


class Remote:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reply = ToolReply("sent", "done", 4)
        self.called: list[tuple[str, str, Mapping[str, Any], str]] = []
        monkeypatch.setattr(mcp_tools, "call_tool", self.call_tool)

    def call_tool(
        self, server: ToolServer, name: str, arguments: Mapping[str, Any], key: str, *, patient: bool
    ) -> ToolReply:
        self.called.append((server.url, name, arguments, key))
        return self.reply


def test_a_result_is_marked_as_untrusted_and_as_cut(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    remote, made = Remote(monkeypatch), with_tools(create(acme), "look_up")
    run = tools.run_tool(made, "look_up", {"order": 7}, "key-1")
    assert (run.text, run.done) == (f"{tools.UNTRUSTED}sent", True)
    remote.reply = ToolReply("x" * 4_000, "failed", 9_000)
    run = tools.run_tool(made, "look_up", {"order": 7}, "key-1")
    assert run.text.endswith("x\n(The result is cut: the first 4,000 of 9,000 characters.)")
    assert not run.done
    remote.reply = ToolReply("The tool gave no result.", "unknown", 24)
    run = tools.run_tool(made, "look_up", {"order": 7}, "key-1")
    assert (run.outcome, run.text.endswith("Do not start it again by yourself.)")) == ("unknown", True)
    assert remote.called[0] == ("https://tools.example.com/mcp", "look_up", {"order": 7}, "key-1")


def test_an_approved_tool_runs_only_if_its_server_still_has_it(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    remote, made = Remote(monkeypatch), with_tools(create(acme), "look_up")

    def run(arguments: dict[str, Any]) -> tuple[str, bool]:
        found = tools.run_approved_tool(acme.org_id, made.id, "look_up", arguments, "key-1", None)
        return found.text, found.done

    assert run({"order": 7}) == (f"{tools.UNTRUSTED}sent", True)
    assert "order" in run({"order": "seven"})[0]
    service.update_server(system(acme.org_id), made.id, {"allowed_tools_json": "[]"})
    assert "does not offer this tool any more" in run({"order": 7})[0]
    service.delete_server(system(acme.org_id), made.id)
    assert "was deleted" in run({"order": 7})[0]
    assert len(remote.called) == 1


def test_an_approved_tool_does_not_run_with_another_url_or_schema(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote, made = Remote(monkeypatch), with_tools(create(acme), "look_up")
    offered = tools.find_offered_tool(acme.org_id, None, f"{made.label}__look_up")
    assert offered

    def run() -> str:
        return tools.run_approved_tool(acme.org_id, made.id, "look_up", {"order": 7}, "key-1", offered.fingerprint).text

    assert run() == f"{tools.UNTRUSTED}sent"
    made = with_tools(made, tools=[{"name": "look_up", "description": "", "parameters": {**SCHEMA, "title": "Other"}}])
    assert "has changed since a person was asked" in run()
    with_tools(made, "look_up")
    assert run() == f"{tools.UNTRUSTED}sent"
    moved = {"server_url": "https://other.example.com/mcp"}
    with_tools(service.update_server(system(acme.org_id), made.id, moved), "look_up")
    assert "has changed since a person was asked" in run()
    assert len(remote.called) == 2


def test_a_description_is_marked_as_a_third_party_s_text(acme: Tenant) -> None:
    with_tools(create(acme, "crm"), "look_up")
    (offered,) = tools.list_offered_tools(acme.org_id, None)
    assert offered.describe()["description"].startswith(tools.UNTRUSTED_DESCRIPTION)
