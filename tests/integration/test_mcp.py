"""The server for models, asked by the official client over HTTP, with the whole stack behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from switchboard.dialects.hum.dialect import COOKIE
from tests.conftest import Stack
from tests.integration.conftest import SignedUp

MODES = ("legacy", "auto", "2026-07-28")


def ask(stack: Stack, headers: dict[str, str], what: Callable[[Client], Awaitable[Any]], mode: Any = "auto") -> Any:
    """Connects the official client, and returns the result of `what`."""

    async def run() -> Any:
        async with (
            create_mcp_http_client(headers) as http,
            Client(streamable_http_client(f"{stack.url}/mcp", http_client=http), mode=mode) as client,
        ):
            return await what(client)

    return asyncio.run(run())


def call(stack: Stack, headers: dict[str, str], tool: str, **arguments: Any) -> tuple[bool, Any]:
    """Whether the tool's answer is an error, and the answer."""

    async def run(client: Client) -> tuple[bool, Any]:
        answer = await client.call_tool(tool, arguments)
        (content,) = answer.content
        return answer.is_error, json.loads(content.text)  # type: ignore[union-attr]

    found: tuple[bool, Any] = ask(stack, headers, run)
    return found


def session(stack: Stack, name: str = "HUM_SESSION") -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={stack.keys[name]}"}


@pytest.mark.parametrize("mode", MODES)
def test_the_official_client_lists_both_tools_and_reads_in_every_mode(stack: Stack, acme: SignedUp, mode: str) -> None:
    async def run(client: Client) -> tuple[list[str], Any]:
        tools = await client.list_tools()
        answer = await client.call_tool("execute_operation", {"operation_id": "anima.agentList"})
        return [tool.name for tool in tools.tools], answer

    names, answer = ask(stack, acme.master, run, mode)
    assert names == ["search_api", "execute_operation"]
    (content,) = answer.content
    told = json.loads(content.text)
    assert (told["status"], [one["id"] for one in told["body"]["items"]]) == (200, [acme.agent_id])


def test_a_person_finds_an_operation_and_uses_it_after_a_confirmation(stack: Stack) -> None:
    failed, found = call(stack, session(stack), "search_api", query="save a contact")
    operation = found["operations"][0]
    assert (failed, operation["operation_id"], operation["consequential"]) == (False, "hum.upsertContact", True)
    body = {"e164": "+12125550163", "display_name": "Mo"}
    arguments = {"operation_id": operation["operation_id"], "arguments": {"body": body}}

    failed, refusal = call(stack, session(stack), "execute_operation", **arguments)
    assert (failed, refusal["error"], refusal["sent"]) == (True, "confirmation_required", False)
    failed, made = call(stack, session(stack), "execute_operation", **arguments, confirm=True)
    assert (failed, made["body"]["e164"]) == (False, "+12125550163")

    read = {"query": {"q": "+12125550163", "limit": 5}}
    failed, known = call(stack, session(stack), "execute_operation", operation_id="listContacts", arguments=read)
    assert (failed, [one["display_name"] for one in known["body"]["contacts"]]) == (False, ["Mo"])


def test_a_model_has_the_role_of_its_person_and_no_more(stack: Stack) -> None:
    viewer = session(stack, "HUM_VIEWER_SESSION")
    failed, refused = call(
        stack,
        viewer,
        "execute_operation",
        operation_id="hum.upsertContact",
        arguments={"body": {"e164": "+12125550164"}},
        confirm=True,
    )
    assert (failed, refused["status"], refused["body"]["code"]) == (True, 403, "insufficient_role")


def test_a_key_sees_its_own_organization_only(stack: Stack, acme: SignedUp) -> None:
    failed, answer = call(
        stack,
        acme.agent,
        "execute_operation",
        operation_id="anima.emailGet",
        arguments={"path": {"message_id": "msg_00000000000000000000000000"}},
    )
    assert failed
    assert answer["status"] == 404
    assert answer["headers"]["x-request-id"].startswith("req_")


def test_every_api_accepts_its_own_credential(stack: Stack) -> None:
    asks = (
        (
            {"Authorization": f"Bearer {stack.keys['ATHOS_KEY']}"},
            "athos.listCalls",
            {"query": {"from": "2026-01-01T00:00:00Z"}},
        ),
        ({"X-API-Key": stack.keys["OPTICOMM_TEST_KEY"]}, "opticomm.externalApiAction", _CHECK),
        ({"Authorization": f"Bearer {stack.keys['OPTICOMM_TEST_KEY']}"}, "opticomm.externalApiAction", _CHECK),
        (session(stack), "hum.getUnreadCounts", {}),
    )
    for headers, operation, arguments in asks:
        _, answer = call(stack, headers, "execute_operation", operation_id=operation, arguments=arguments)
        assert answer.get("status") in (200, 404), (operation, answer)


#: The status of a call that does not exist. It needs no confirmation.
_CHECK = {"body": {"action": "check_status", "call_id": "call_00000000000000000000000000"}}


def test_an_idempotency_key_reaches_the_operation(stack: Stack) -> None:
    sent = {
        "operation_id": "hum.createBlockedNumber",
        "arguments": {"body": {"e164": "+12125550165"}, "headers": {"idempotency-key": "model-1"}},
        "confirm": True,
    }
    first, again = (call(stack, session(stack), "execute_operation", **sent)[1] for _ in range(2))
    assert first["body"] == again["body"]
    assert ("idempotent-replayed" in first["headers"], again["headers"]["idempotent-replayed"]) == (False, "true")


def test_strangers_and_other_methods_are_refused(stack: Stack, acme: SignedUp, http: httpx.Client) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    # Without the cookies that other tests left in the client.
    answer = httpx.post(f"{stack.url}/mcp", json=message)
    assert (answer.status_code, answer.json()["error"]["data"]["code"]) == (401, "missing")
    # API Gateway renames the header.
    assert answer.headers["x-amzn-remapped-www-authenticate"] == 'Bearer realm="Switchboard"'
    for method in ("GET", "DELETE"):
        answer = http.request(method, "/mcp", headers=acme.master)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    foreign = http.post("/mcp", json=message, headers=acme.master | {"Origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["error"]["data"]["code"]) == (403, "cross_origin")
    assert http.post("/mcp/else", json=message, headers=acme.master).status_code == 404
