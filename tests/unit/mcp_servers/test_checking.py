"""Checks of MCP servers: what they list, and what their owner reads about them."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.carriers import mcp_tools
from switchboard.carriers.mcp_tools import LeftOutTool, ListedTool, ToolListing, ToolServer
from switchboard.kit import clock
from switchboard.mcp_servers import checking, service
from switchboard.mcp_servers.jobs import CheckServer
from switchboard.mcp_servers.models import McpServer
from tests.actors import Tenant, system, tenant
from tests.fakes.mcp_servers import SCHEMA
from tests.unit.mcp_servers.life import create, with_tools
from tests.unit.tool_approvals.life import list_due_times


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


class Remote:
    """The servers of customers, in place of the port."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listing = ToolListing([ListedTool("look_up", "Looks up.", SCHEMA)])
        self.asked: list[ToolServer] = []
        monkeypatch.setattr(mcp_tools, "list_tools", self.list_tools)

    def list_tools(self, server: ToolServer) -> ToolListing:
        self.asked.append(server)
        return self.listing


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Remote:
    return Remote(monkeypatch)


def job_of(server: McpServer) -> CheckServer:
    return CheckServer(org_id=server.org_id, server_id=server.id)


def check(server: McpServer) -> McpServer:
    checking.check_server(job_of(server))
    return service.get_server(server.org_id, server.id)


def test_a_check_lists_the_tools_with_the_credential(acme: Tenant, remote: Remote) -> None:
    found = check(create(acme, credential="s3cret"))
    assert (found.check_state, found.last_status, found.last_checked_at) == ("ok", "1 tool.", clock.now_iso())
    assert [(tool.name, tool.parameters) for tool in service.list_tools(found)] == [("look_up", SCHEMA)]
    assert [(one.url, one.headers) for one in remote.asked] == [
        ("https://tools.example.com/mcp", {"authorization": "Bearer s3cret"})
    ]


def test_a_failing_server_has_a_status_in_words_and_no_tools(acme: Tenant, remote: Remote) -> None:
    remote.listing = ToolListing(problem="The server answered HTTP 500.")
    found = check(with_tools(create(acme), "look_up"))
    assert (found.check_state, found.last_status, found.tools) == ("failed", "The server answered HTTP 500.", [])


def schema(**more: Any) -> dict[str, Any]:
    return {"type": "object", **more}


def test_tools_that_cannot_be_used_are_left_out_and_named(acme: Tenant, remote: Remote) -> None:
    cyclic = schema(properties={"a": {"$ref": "#"}})
    remote.listing = ToolListing(
        [
            ListedTool("good", "", {"$schema": "http://json-schema.org/draft-07/schema#", **SCHEMA}),
            ListedTool("cyclic", "", cyclic),
            ListedTool("remote", "", schema(properties={"a": {"$ref": "https://evil.example/s"}})),
            *(ListedTool(letter * 57, "", SCHEMA) for letter in "xyz"),
        ],
        [LeftOutTool("no spaces", "its name is odd")],
        "It has too many tools.",
    )
    found = check(create(acme))
    assert ([tool.name for tool in found.tools], found.check_state) == (["good"], "limited")
    assert service.list_tools(found)[0].parameters == SCHEMA
    assert found.last_status is not None
    assert found.last_status.startswith("1 tool. It has too many tools. Left out: no spaces: its name is odd; cyclic: ")
    assert "refers to itself" in found.last_status
    assert "must refer to this schema" in found.last_status
    assert "use a shorter label" in found.last_status
    assert found.last_status.endswith(" ….")


def test_all_tools_together_fit_into_an_item(acme: Tenant, remote: Remote) -> None:
    large = schema(description="x" * 30_000)
    remote.listing = ToolListing([ListedTool(f"t{number}", "", large) for number in range(10)])
    found = check(create(acme))
    assert (len(found.tools), found.check_state) == (6, "limited")
    assert "all tools together are larger than 200 KB" in str(found.last_status)


def test_an_owner_reads_that_a_turn_is_not_offered_every_tool(acme: Tenant, remote: Remote) -> None:
    remote.listing = ToolListing([ListedTool(f"t{number}", "", schema(description="x" * 30_000)) for number in (1, 2)])
    made = create(acme)
    found = check(made)
    assert (len(found.tools), found.check_state) == (2, "limited")
    assert "40 KB" in str(found.last_status)
    service.update_server(system(acme.org_id), made.id, {"allowed_tools_json": '["t1"]'})
    assert check(made).last_status == "2 tools."


def test_a_server_without_its_credential_is_not_dialed(acme: Tenant, remote: Remote) -> None:
    found = check(create(acme, auth_type="bearer"))
    assert (found.check_state, remote.asked) == ("failed", [])
    assert "send `credential`" in str(found.last_status)


def test_a_hosted_server_without_its_credential_says_so(acme: Tenant, remote: Remote) -> None:
    found = check(create(acme, transport="hosted", auth_type="bearer"))
    assert (found.check_state, remote.asked) == ("failed", [])
    assert "send `credential`" in str(found.last_status)


def test_a_hosted_server_is_not_dialed(acme: Tenant, remote: Remote) -> None:
    found = check(create(acme, transport="hosted", server_url=None, connector_id="c1"))
    assert (found.check_state, remote.asked) == ("not_dialed", [])


def test_a_check_of_an_earlier_connection_and_of_a_deleted_server_change_nothing(
    acme: Tenant, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(acme)

    def list_tools(server: ToolServer) -> ToolListing:
        service.update_server(system(acme.org_id), made.id, {"server_url": "https://new.example/mcp"})
        return remote.listing

    monkeypatch.setattr(mcp_tools, "list_tools", list_tools)
    jobs = list_due_times(job_of(made))
    assert check(made).tools == []
    assert len(list_due_times(job_of(made))) == len(jobs) + 1
    service.delete_server(system(acme.org_id), made.id)
    checking.check_server(CheckServer(org_id=made.org_id, server_id=made.id))
    assert service.list_servers(acme.org_id) == []


def test_a_server_has_at_most_one_check_under_way(acme: Tenant, remote: Remote, frozen: clock.FrozenClock) -> None:
    made, origin = create(acme), system(acme.org_id)

    def count_jobs() -> int:
        return len(list_due_times(job_of(made)))

    for number in range(3):
        frozen.advance(seconds=30)
        service.update_server(origin, made.id, {"server_url": f"https://new.example/{number}"})
        service.request_check(origin, made.id)
    assert count_jobs() == 1
    frozen.advance(seconds=30)
    assert check(made).check_state == "ok"
    assert remote.asked[-1].url == "https://new.example/2"
    service.update_server(origin, made.id, {"server_url": "https://new.example/3"})
    service.request_check(origin, made.id)
    assert count_jobs() == 2
    # A check that was lost is not waited for forever.
    frozen.advance(minutes=10)
    service.request_check(origin, made.id)
    assert count_jobs() == 3
