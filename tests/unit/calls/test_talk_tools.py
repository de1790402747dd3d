"""Tools of MCP servers in calls: offered without approvals, run once, and recorded on the call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from infra.local import pool
from switchboard.calls import store, talk_tools
from switchboard.calls.models import Call
from switchboard.carriers import mcp_tools
from switchboard.carriers.mcp_tools import ToolReply, ToolServer
from switchboard.carriers.voice.ports.reports import ToolUse
from switchboard.carriers.voice.ports.tools import TalkToolCall
from switchboard.carriers.voice.simulator import callbacks, tool_calls
from switchboard.kit import clock
from switchboard.mcp_servers.tools import UNTRUSTED
from tests.actors import Tenant, tenant
from tests.load.request import api_event
from tests.unit.calls.calls_in import make_line
from tests.unit.carriers.test_simulated_caller import call_in, said
from tests.unit.mcp_servers.life import create, with_tools


class Shop:
    """The customer's server, in place of the port."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.called: list[Mapping[str, Any]] = []
        self.error: BaseException | None = None
        monkeypatch.setattr(mcp_tools, "call_tool", self.call_tool)

    def call_tool(
        self, server: ToolServer, name: str, arguments: Mapping[str, Any], key: str, *, patient: bool
    ) -> ToolReply:
        self.called.append(arguments)
        if self.error:
            raise self.error
        return ToolReply("It was sent.", "done", 12)


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")
    made = tenant()
    with_tools(create(made), "look_up", "cancel", auto_approve_tools_json='["look_up"]')
    return made


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(monkeypatch)


def uses(call: Call) -> list[ToolUse]:
    return store.list_tool_uses(call.org_id, call.id)


def test_a_caller_asks_for_a_tool_and_hears_its_result(acme: Tenant, shop: Shop) -> None:
    call = call_in(make_line(acme), 'Please use orders__look_up {"order": 7}', "Thanks.")
    assert ("agent", "Let me look. It was sent.") in said(call)
    (use,) = uses(call)
    assert (use.name, use.arguments, use.status) == ("orders__look_up", {"order": 7}, "completed")
    assert (use.result, shop.called) == (f"{UNTRUSTED}It was sent.", [{"order": 7}])


def test_a_talk_is_offered_only_tools_without_approvals(acme: Tenant, shop: Shop) -> None:
    line = make_line(acme)
    assert line.number.flow_id is not None
    assert [tool.name for tool in talk_tools.list_talk_tools(acme.org_id, line.number.flow_id)] == ["orders__look_up"]
    assert talk_tools.list_talk_tools(acme.org_id, None) == ()
    call = call_in(line, "Please use orders__cancel.")
    assert (uses(call), shop.called) == ([], [])


@pytest.fixture
def call(acme: Tenant) -> Call:
    """A call in progress."""
    line = make_line(acme)
    line.send()
    found = line.read_call()
    assert found.answered_at
    return found


def ask(call: Call, name: str = "orders__look_up", use_id: str = "use_1", **arguments: Any) -> tuple[str, bool]:
    asked = TalkToolCall(
        org_id=call.org_id, call_id=call.id, use_id=use_id, name=name, arguments=arguments or {"order": 7}
    )
    return talk_tools.use_talk_tool(asked)


def test_a_repeated_use_runs_once(call: Call, shop: Shop) -> None:
    assert ask(call) == ask(call) == (f"{UNTRUSTED}It was sent.", True)
    assert (len(shop.called), len(uses(call))) == (1, 1)


def test_a_refused_use_is_recorded_and_reaches_nobody(call: Call, shop: Shop) -> None:
    assert "needs a person's approval" in ask(call, "orders__cancel")[0]
    assert ask(call, "orders__other", "use_2")[0] == "There is no such tool."
    assert "order" in ask(call, use_id="use_3", order="seven")[0]
    assert ([use.status for use in uses(call)], shop.called) == (["refused"] * 3, [])


def test_a_use_whose_worker_died_is_not_repeated(call: Call, shop: Shop) -> None:
    shop.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        ask(call)
    shop.error = None
    text, done = ask(call)
    assert ("may have run" in text, done, len(shop.called)) == (True, False, 1)
    assert [use.status for use in uses(call)] == ["unconfirmed"]


def test_a_call_has_a_limit_of_uses_and_an_ended_call_has_none(call: Call, shop: Shop) -> None:
    for number in range(talk_tools.MAX_USES):
        ask(call, use_id=f"use_{number}")
    assert ask(call, use_id="use_more") == ("Too many tools were used in this call.", False)
    foreign = call.model_copy(update={"org_id": "org_other"})
    assert ask(foreign) == ("The call is not in progress.", False)


def test_the_callback_wants_the_talkers_signature(call: Call, shop: Shop) -> None:
    asked = TalkToolCall(org_id=call.org_id, call_id=call.id, use_id="use_1", name="orders__look_up")
    body = asked.model_copy(update={"arguments": {"order": 7}}).model_dump_json().encode()

    def post(signer: str, signed: bytes) -> tuple[int, str]:
        request = callbacks.sign_body(signer, tool_calls.PATH, signed)
        event = api_event("POST", tool_calls.PATH, request.headers, None) | {"body": body.decode()}
        answer = pool.invoke("callbacks/talk_tools", event)
        return answer["statusCode"], answer["body"]

    assert post(call.org_id, b"{}")[0] == 403
    assert post("org_other", body)[0] == 400
    status, answer = post(call.org_id, body)
    assert (status, json.loads(answer)) == (200, {"result": f"{UNTRUSTED}It was sent.", "done": True})
