"""A server of the official package, from its check to the use of its tools."""

from __future__ import annotations

import pytest

from switchboard.kit import clock
from switchboard.mcp_servers import checking, service, tools
from switchboard.mcp_servers.jobs import CheckServer
from tests.actors import system, tenant
from tests.fakes.mcp_servers import Shop, serving
from tests.unit.mcp_servers.life import create


def test_its_tools_are_listed_offered_and_run(
    cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_OUTBOUND_LOOPBACK", "on")
    acme, shop = tenant(), Shop()
    with serving(shop.app()) as url:
        made = create(acme, server_url=f"{url}/mcp", credential="s3cret", require_approval_default="never")
        checking.check_server(CheckServer(org_id=acme.org_id, server_id=made.id))
        found = service.get_server(acme.org_id, made.id)
        assert (found.check_state, found.last_status) == ("ok", "3 tools.")
        (offered, *_) = tools.list_offered_tools(acme.org_id, None)
        assert offered.name == "orders__look_up"
        assert tools.check_arguments(offered.tool, {"order": "seven"})
        run = tools.run_tool(offered.server, offered.tool.name, {"order": 7}, "key-1")
        assert (run.text, run.outcome, shop.orders) == (f"{tools.UNTRUSTED}order 7 was sent", "done", [7])
    service.request_check(system(acme.org_id), made.id)
    checking.check_server(CheckServer(org_id=acme.org_id, server_id=made.id))
    gone = service.get_server(acme.org_id, made.id)
    assert gone.check_state == "failed"
    # The server may be back in a moment, so its tools stay.
    assert [tool.name for tool in gone.tools] == ["look_up", "fail", "speak"]
    assert gone.last_status == "The server cannot be used: the connection was refused."
