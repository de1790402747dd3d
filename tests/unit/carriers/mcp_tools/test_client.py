"""The client of MCP against the official server, and against a hostile one. Nothing raises, and nothing takes long."""

from __future__ import annotations

import time

import pytest

from switchboard.carriers import mcp_tools
from switchboard.carriers.mcp_tools import ToolHints, ToolServer, client, transport
from switchboard.outbound.loops import LOOP_HEADER
from tests.fakes.mcp_servers import SCHEMA, Hostile, Shop, serving
from tests.tables import each

pytestmark = pytest.mark.usefixtures("local")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    # Shorter times, so that the tests are quick.
    monkeypatch.setattr(transport, "REQUEST_SECONDS", 0.7)
    monkeypatch.setattr(client, "REQUEST_SECONDS", 0.7)
    monkeypatch.setattr(client, "LIST_SECONDS", 2.0)
    monkeypatch.setattr(client, "CALL_SECONDS", 2.0)


def test_the_official_server_is_listed_and_called(shop: tuple[Shop, str]) -> None:
    server = ToolServer(shop[1])
    found = mcp_tools.list_tools(server)
    assert (found.problem, found.left_out) == (None, [])
    assert [tool.name for tool in found.tools] == ["look_up", "fail", "speak"]
    assert found.tools[0].description == "Looks up an order."
    assert found.tools[0].parameters["properties"]["order"]["type"] == "integer"
    reply = mcp_tools.call_tool(server, "look_up", {"order": 7}, "key-1")
    assert (reply.text, reply.outcome, reply.is_cut) == ("order 7 was sent", "done", False)
    assert shop[0].orders == [7]


def test_failed_and_long_results_of_the_official_server(shop: tuple[Shop, str]) -> None:
    server = ToolServer(shop[1])
    lost = mcp_tools.call_tool(server, "fail", {"order": 7}, "key-1")
    assert lost.outcome == "failed"
    assert lost.text == "Error executing tool fail"
    long = mcp_tools.call_tool(server, "speak", {"order": 0}, "key-1")
    assert (len(long.text), long.length, long.is_cut, long.outcome) == (4_000, 10_000, True, "done")
    assert mcp_tools.call_tool(server, "look_up", {"order": "seven"}, "key-1").outcome == "failed"
    assert mcp_tools.call_tool(server, "nothing", {}, "key-1").outcome == "failed"


def test_a_server_with_sessions_and_event_streams_works_too() -> None:
    server = Shop()
    with serving(server.app(json_response=False, stateless=False)) as url:
        assert len(mcp_tools.list_tools(ToolServer(f"{url}/mcp")).tools) == 3
        reply = mcp_tools.call_tool(ToolServer(f"{url}/mcp"), "look_up", {"order": 9}, "key-1")
    assert (reply.text, reply.outcome, server.orders) == ("order 9 was sent", "done", [9])


PROBLEMS = (
    ("silent", "The server cannot be used: no complete response within 0.7 s."),
    ("endless", "The server cannot be used: no complete response within 0.7 s."),
    ("huge", "The server cannot be used: its response is larger than 1,024 KB."),
    ("short", "The server cannot be used: the connection was closed in the middle of the response."),
    ("garbage", "The server's response is not valid JSON-RPC."),
    ("deep_json", "The server's response is not valid JSON-RPC."),
    ("html", "The server gave no answer: Unexpected content type: text/html; charset=utf-8."),
    ("redirect", "The server cannot be used: it redirects: use the URL to which it redirects."),
    ("broken", "The server answered HTTP 500."),
    ("locked", "The server refused the credential (HTTP 401)."),
    ("zipped", "The server cannot be used: it compresses responses that must not be compressed."),
    ("accepted", "The server gave no answer: server answered a request with 202 Accepted."),
    ("shapeless", "The server's answer does not have the form of the protocol."),
    ("refusing", "The server answered an error: Go [31m away now."),
    ("empty", "It has no tools."),
)


def test_each_hostile_server_has_a_problem_in_words_within_its_time(hostile: tuple[Hostile, str]) -> None:
    found = {}
    for mode, _ in PROBLEMS:
        began = time.monotonic()
        listing = mcp_tools.list_tools(ToolServer(f"{hostile[1]}/{mode}"))
        assert time.monotonic() - began < 5, mode
        assert listing.tools == [], mode
        found[mode] = listing.problem
    assert found == dict(PROBLEMS)


def test_a_server_that_asks_all_the_time_gets_few_answers(hostile: tuple[Hostile, str]) -> None:
    server, url = hostile
    server.requests = 0
    assert str(mcp_tools.list_tools(ToolServer(f"{url}/chatty")).problem).startswith("The server cannot be used: ")
    assert server.requests <= transport.MAX_REQUESTS


def test_a_server_with_too_many_tools_pages_or_cycles_has_limits(hostile: tuple[Hostile, str]) -> None:
    def listed(mode: str) -> tuple[int, str | None]:
        found = mcp_tools.list_tools(ToolServer(f"{hostile[1]}/{mode}"))
        return len(found.tools), found.problem

    assert listed("many") == (64, "It has more than 64 tools: only the first 64 are used.")
    assert listed("cycle") == (3, "Its list of tools never ends: a page leads back to an earlier one.")
    assert listed("pages") == (10, "Its list of tools has more than 10 pages: only those are used.")


def test_tools_that_do_not_fit_are_left_out_with_a_reason(hostile: tuple[Hostile, str]) -> None:
    found = mcp_tools.list_tools(ToolServer(f"{hostile[1]}/odd"))
    assert [(tool.name, tool.description[:30]) for tool in found.tools] == [
        ("good", "Finds an order. Quickly."),
        ("orders.look_up", "A tool."),
        ("wordy", "y" * 30),
    ]
    assert len(found.tools[2].description) == 1_000
    assert found.tools[1].hints == ToolHints(read_only=False, destructive=True)
    assert found.tools[0].parameters == SCHEMA
    name = "its name must have 1 to 128 letters, digits, dots, hyphens and underscores"
    assert [tuple(one) for one in found.left_out] == [
        ("good", "another tool has its name"),
        ("no spaces", name),
        ("x" * 80, name),
        ("", name),
        ("deep", "its schema has more than 10 levels"),
        ("large", "its schema is larger than 32 KB"),
    ]


@each(
    "mode, outcome, words",
    (
        ("call_silent", "unknown", "no complete response within 0.7 s"),
        ("call_broken", "unknown", "The server answered HTTP 502."),
        ("call_shapeless", "unknown", "does not have the form of the protocol"),
        ("call_ended_before", "unknown", "The server gave no answer: SSE stream ended without a response."),
        ("call_ended_between", "unknown", "The server gave no answer: SSE stream ended without a response."),
        ("call_answered_another", "unknown", "The server gave no answer: No such order."),
        ("call_cut", "unknown", "is not valid JSON-RPC"),
        ("call_html", "unknown", "The server gave no answer: Unexpected content type: text/html"),
        ("call_accepted", "unknown", "The server gave no answer: server answered a request with 202 Accepted."),
        ("call_given_up", "unknown", "The server answered HTTP 408."),
        ("call_limited", "failed", "The server answered HTTP 429."),
        ("call_refusing", "failed", "The server answered an error: Go [31m away now."),
        ("call_refused_loudly", "failed", "The server answered HTTP 500."),
        ("call_ended_after", "failed", "The server answered an error: No such order."),
        ("silent", "failed", "no complete response within 0.7 s"),
        ("locked", "failed", "The server refused the credential (HTTP 401)."),
    ),
)
def test_a_call_that_the_server_itself_did_not_refuse_may_have_run(
    hostile: tuple[Hostile, str], mode: str, outcome: str, words: str
) -> None:
    reply = mcp_tools.call_tool(ToolServer(f"{hostile[1]}/{mode}"), "look_up", {}, "k")
    assert (reply.outcome, words in reply.text) == (outcome, True), reply


def test_a_stream_that_the_server_closes_goes_on_by_its_last_event(hostile: tuple[Hostile, str]) -> None:
    reply = mcp_tools.call_tool(ToolServer(f"{hostile[1]}/call_polled"), "look_up", {}, "k")
    assert (reply.text, reply.outcome) == ("done", "done")


def test_a_call_for_which_nobody_waits_may_take_longer(
    hostile: tuple[Hostile, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENT_REQUEST_SECONDS", 4.0)
    server = ToolServer(f"{hostile[1]}/call_slow")
    assert mcp_tools.call_tool(server, "look_up", {}, "k").outcome == "unknown"
    assert mcp_tools.call_tool(server, "look_up", {}, "k", patient=True).text == "done"


def test_results_are_plain_text(hostile: tuple[Hostile, str]) -> None:
    mixed = mcp_tools.call_tool(ToolServer(f"{hostile[1]}/call_mixed"), "look_up", {}, "k")
    assert mixed.text == "Hi   there\n(image left out)\n\U0001f600 ok"
    structured = mcp_tools.call_tool(ToolServer(f"{hostile[1]}/call_structured"), "look_up", {}, "k")
    assert structured.text == '{"state": "sent"}'


def test_a_call_carries_the_credential_and_its_key(hostile: tuple[Hostile, str]) -> None:
    server, url = hostile
    server.headers.clear()
    server.calls.clear()
    mcp_tools.call_tool(ToolServer(f"{url}/fine", {"authorization": "Bearer s3cret"}), "look_up", {"order": 1}, "key-9")
    assert {one.get("authorization") for one in server.headers} == {"Bearer s3cret"}
    assert {one.get("idempotency-key") for one in server.headers} == {"key-9"}
    # Our own server for models refuses this header: a flow cannot start itself by a tool.
    assert {one.get(LOOP_HEADER) for one in server.headers} == {"1"}
    assert [(call["name"], call["arguments"]) for call in server.calls] == [("look_up", {"order": 1})]
    assert "s3cret" not in repr(ToolServer(url, {"authorization": "Bearer s3cret"}))


@each(
    "url, problem",
    (
        ("https://169.254.169.254/mcp", "the URL has a host that is not on the public internet"),
        ("ftp://tools.example/", "the URL must begin with https://"),
        ("http://tools.example/", "the URL must begin with https://"),
        ("http://127.0.0.1:1/mcp", "the URL has a port that is not for web servers (1): use another port"),
    ),
)
def test_a_private_or_unsafe_address_is_never_dialed(url: str, problem: str) -> None:
    assert mcp_tools.list_tools(ToolServer(url)).problem == f"The server cannot be used: {problem}."


def test_nothing_that_a_server_answers_has_the_credential(hostile: tuple[Hostile, str]) -> None:
    server = ToolServer(f"{hostile[1]}/echo", {"authorization": "Bearer s3cret-1"})
    listing = mcp_tools.list_tools(server)
    assert [(one.name, one.description) for one in listing.tools] == [("look_up", "You sent [hidden].")]
    assert "[hidden]" in listing.tools[0].parameters["properties"]
    assert [one.reason for one in listing.left_out] == ["its name has the server's credential"]
    replies = [mcp_tools.call_tool(server, name, {}, "key-1") for name in ("look_up", "refuse")]
    assert replies[0].text.endswith(" for [hidd")
    assert "Invalid API key provided: [hidden]" in replies[1].text
    assert "s3c" not in repr((listing, replies))
