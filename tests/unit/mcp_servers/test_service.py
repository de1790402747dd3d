"""The rules of MCP servers."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from switchboard.errors import Invalid, NotFound, QuotaExceeded
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.mcp_servers import rules, service, store
from switchboard.mcp_servers.models import McpServer, McpServerSettings
from tests.actors import Tenant, system, tenant, with_effect
from tests.unit.contacts.book import list_workflow_events
from tests.unit.mcp_servers.life import URL, create, with_tools

NOBODY = f"mcp_{'0' * 26}"


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def recorded(acme: Tenant) -> list[str]:
    """The types of the events of MCP servers in the test's workflow."""
    events = sorted(list_workflow_events(acme.org_id, "corr_test"), key=lambda event: event.id)
    return [event.type for event in events if event.subject.type == "mcp_server"]


def problems(acme: Tenant, **settings: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        create(acme, **settings)
    found: dict[str, str] = refused.value.details["fields"]
    return found


def change(acme: Tenant, server: McpServer, **changes: Any) -> McpServer:
    return service.update_server(system(acme.org_id), server.id, changes)


def test_each_change_is_kept_with_its_event(acme: Tenant) -> None:
    origin = acme.caller(master=True)
    wanted = McpServerSettings(label="orders", connector_id="c1", auth_type="bearer")
    made = service.create_server(origin, wanted, "s3cret")
    assert made.has_credential
    changed = service.update_server(origin, made.id, {"description": "Orders.", "enabled": False})
    assert service.get_server(acme.org_id, made.id) == changed
    assert (changed.label, changed.description, changed.enabled, changed.version) == ("orders", "Orders.", False, 2)
    assert service.update_server(origin, made.id, {"enabled": False}) == changed
    service.delete_server(origin, made.id)
    with pytest.raises(NotFound):
        service.get_server(acme.org_id, made.id)
    assert recorded(acme) == ["mcp_server.created", "mcp_server.updated", "mcp_server.deleted"]


def test_settings_that_are_wrong_are_named_all_at_once(acme: Tenant) -> None:
    assert problems(
        acme,
        server_url="https://10.0.0.1/mcp",
        flow_id="0190a0b0-0000-7000-8000-000000000001",
        allowed_tools_json='["look_up",\n "no spaces"]',
        auto_approve_tools_json='{"a": 1}',
        auth_type="header",
        credential_header="Content-Type",
    ) == {
        "server_url": "has a host that is not on the public internet",
        "flow_id": "must be the id of a flow of your organization",
        "allowed_tools_json": "line 2, at [1]: must be a tool's name: 1 to 128 letters, digits, dots, hyphens and "
        "underscores",
        "auto_approve_tools_json": 'line 1: must be a list of tools\' names, such as ["look_up"]',
        "credential_header": "cannot be the header of a credential: use another name, such as X-API-Key",
    }
    assert problems(acme, allowed_tools_json="[\n1,,")["allowed_tools_json"].startswith("line 2: is not valid JSON")
    assert "column" in problems(acme, allowed_tools_json="[\n1,,")["allowed_tools_json"]


def test_a_server_needs_what_its_transport_uses(acme: Tenant) -> None:
    assert problems(acme, server_url=None) == {"server_url": "is missing: a server that we dial needs its URL"}
    assert problems(acme, transport="hosted", server_url=None) == {
        "server_url": "is missing: a hosted server needs server_url or connector_id"
    }
    assert create(acme, transport="hosted", server_url=None, connector_id="c1").server_url is None


def test_a_flow_of_another_organization_is_unknown(acme: Tenant) -> None:
    own, foreign = (
        flows.create_flow(system(one.org_id), FlowSettings(name="Desk")).id for one in (acme, tenant("other"))
    )
    assert create(acme, flow_id=own.upper()).flow_id == own
    assert "flow_id" in problems(acme, label="second", flow_id=foreign)


def test_a_label_is_unique_in_the_organization_and_free_after_its_server(acme: Tenant) -> None:
    first = create(acme)
    assert problems(acme) == {"label": "is the label of another MCP server"}
    assert create(tenant("other")).label == "orders"
    second = create(acme, "second")
    with pytest.raises(Invalid):
        change(acme, second, label="orders")
    assert change(acme, first, label="third").label == "third"
    assert change(acme, second, label="orders").label == "orders"
    service.delete_server(system(acme.org_id), second.id)
    assert create(acme, "orders").label == "orders"


def test_an_organization_has_twenty_servers(acme: Tenant) -> None:
    made = [create(acme, f"s{number}") for number in range(service.MAX_SERVERS)]
    with pytest.raises(QuotaExceeded) as refused:
        create(acme, "one-more")
    assert (refused.value.code, refused.value.details["cap"]) == ("mcp_server_limit", 20)
    assert service.list_servers(acme.org_id) == made[::-1]
    service.delete_server(system(acme.org_id), made[0].id)
    assert create(acme, "one-more").id


def test_a_credential_is_sealed_and_sent_as_its_type_says(acme: Tenant) -> None:
    made = create(acme, credential="s3cret")
    stored = str(store.SERVERS.to_item(service.get_server(acme.org_id, made.id)))
    assert "s3cret" not in stored
    assert rules.credential_headers(made) == {"authorization": "Bearer s3cret"}
    headed = change(acme, made, auth_type="header", credential_header="X-Key")
    assert rules.credential_headers(headed) == {"x-key": "s3cret"}
    assert rules.credential_headers(change(acme, made, credential=None)) == {}
    assert not change(acme, change(acme, made, credential="other"), auth_type="none").has_credential
    moved = made.model_copy(update={"org_id": tenant("other").org_id})
    with pytest.raises(InvalidTag):
        rules.credential_headers(moved)
    for wrong in ("", " s3cret", "two\nlines", "x" * 4_097, "caf\u00e9"):
        with pytest.raises(Invalid):
            change(acme, made, auth_type="bearer", credential=wrong)
    assert "credential" in problems(acme, label="second", auth_type="none", credential="s3cret")


def test_a_stored_credential_is_never_sent_to_another_server(acme: Tenant) -> None:
    made = create(acme, credential="s3cret")
    for moves in (
        {"server_url": "https://evil.example/mcp"},
        # A host may serve the servers of many customers.
        {"server_url": f"{URL}/of-somebody-else"},
        {"transport": "hosted"},
        {"transport": "hosted", "connector_id": "conn_b"},
    ):
        with pytest.raises(Invalid) as refused:
            change(acme, made, **moves)
        assert "must be sent again" in refused.value.details["fields"]["credential"]
    assert change(acme, made, description="Orders.", label="shop").has_credential
    assert change(acme, made, server_url="https://new.example/mcp", credential="n3w").has_credential


def test_a_credential_stays_with_its_connector(acme: Tenant) -> None:
    made = create(acme, credential="s3cret", transport="hosted", server_url=None, connector_id="conn_a")
    with pytest.raises(Invalid) as refused:
        change(acme, made, connector_id="conn_b")
    assert refused.value.details["fields"] == {
        "credential": "must be sent again, because connector_id changes who gets it"
    }
    assert change(acme, made, connector_id="conn_b", credential="n3w").has_credential


def test_no_credential_takes_the_header_that_stops_loops(acme: Tenant) -> None:
    assert "credential_header" in problems(acme, auth_type="header", credential_header="X-Switchboard-Hop")


def test_a_change_of_the_connection_takes_the_tools_away_until_the_next_check(acme: Tenant) -> None:
    made = with_tools(create(acme), "look_up")
    assert change(acme, made, description="Orders.").tools == made.tools
    after = change(acme, made, server_url="https://new.example/mcp")
    assert (after.tools, after.check_state) == ([], "pending")


def test_a_check_is_queued_once_in_a_while(acme: Tenant, frozen: clock.FrozenClock) -> None:
    origin, made = acme.caller(master=True), with_tools(create(acme), last_checked_at=clock.now_iso())
    assert service.request_check(origin, made.id) == made
    frozen.advance(seconds=21)
    assert service.request_check(origin, made.id).version == made.version + 1
    assert recorded(acme) == ["mcp_server.check_requested"]


def test_a_repeated_request_has_one_effect(acme: Tenant) -> None:
    master = acme.caller(master=True)
    wanted = McpServerSettings(label="orders", connector_id="c1")
    made, again = (
        service.create_server(caller, wanted, None, caller.effect)
        for caller in (with_effect(master, "create"), with_effect(master, "create"))
    )
    assert again == made
    for _ in range(2):
        caller = with_effect(master, "update")
        assert service.update_server(caller, made.id, {"description": "x"}, caller.effect).version == 2
    for _ in range(2):
        caller = with_effect(master, "delete")
        service.delete_server(caller, made.id, caller.effect)
    assert recorded(acme) == ["mcp_server.created", "mcp_server.updated", "mcp_server.deleted"]


@pytest.mark.parametrize("own", [True, False])
def test_an_unknown_server_and_one_of_another_organization_are_not_found(acme: Tenant, own: bool) -> None:
    caller, server_id = acme.caller(master=True), NOBODY if own else create(tenant("other")).id
    for act in (
        lambda: service.get_server(acme.org_id, server_id),
        lambda: service.update_server(caller, server_id, {"enabled": False}),
        lambda: service.delete_server(caller, server_id),
        lambda: service.request_check(caller, server_id),
    ):
        with pytest.raises(NotFound):
            act()
