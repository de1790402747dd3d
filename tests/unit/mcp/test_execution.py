"""`execute_operation`: the call of an operation with the caller's own credential."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.mcp.catalog import read_catalog
from functions.mcp.credentials import Credential
from functions.mcp.execution import MAX_BODY_BYTES, SECONDS, execute_operation
from infra import topology
from switchboard.outbound.client import ForbiddenTargetError, Response, TimedOutError
from switchboard.outbound.loops import LOOP_HEADER
from tests.unit.mcp.conftest import FakeWeb

CATALOG = read_catalog()
CONSOLE = Credential("hum", {"cookie": "bh_hum_session=secret"})
CONTACT = {"body": {"e164": "+12125550163"}}


def execute(
    operation_id: str, arguments: dict[str, Any] | None = None, confirm: bool = False, credential: Credential = CONSOLE
) -> tuple[bool, dict[str, Any]]:
    answer = asyncio.run(execute_operation(CATALOG, credential, operation_id, arguments or {}, confirm=confirm))
    told: dict[str, Any] = json.loads(answer.text)
    return answer.is_error, told


def test_an_operation_is_called_at_our_own_host_with_the_callers_credential(web: FakeWeb) -> None:
    web.response = Response(200, {"x-request-id": "req_1", "set-cookie": "a=b"}, b'{"contacts":[]}', 1)
    failed, told = execute("hum.listContacts", {"query": {"limit": 2}})
    assert (failed, told) == (
        False,
        {
            "operation_id": "hum.listContacts",
            "status": 200,
            "headers": {"x-request-id": "req_1"},
            "body": {"contacts": []},
        },
    )
    (sent,) = web.sent
    assert (sent["method"], sent["url"]) == ("GET", "https://app.example.com/api/contacts?limit=2")
    assert sent["headers"]["cookie"] == "bh_hum_session=secret"
    assert sent["headers"][LOOP_HEADER] == "1"
    assert "origin" not in sent["headers"]


def test_the_time_of_a_call_ends_before_the_functions(web: FakeWeb) -> None:
    execute("hum.listContacts")
    assert web.sent[0]["seconds"] == SECONDS < topology.function("mcp").seconds - 4


def test_a_consequential_operation_waits_for_a_confirmation(web: FakeWeb) -> None:
    failed, told = execute("hum.upsertContact", CONTACT)
    assert (failed, told["error"], told["sent"]) == (True, "confirmation_required", False)
    assert told["request"] == {"method": "POST", "path": "/api/contacts"}
    assert not web.sent
    assert execute("hum.upsertContact", CONTACT, confirm=True)[0] is False
    assert json.loads(web.sent[0]["body"]) == CONTACT["body"]


def test_a_harmless_operation_and_a_read_need_none(web: FakeWeb) -> None:
    assert execute("hum.markAllCallsRead")[0] is False
    key = Credential("opticomm", {"x-api-key": "sk_test_1"})
    check = {"body": {"action": "check_status", "call_id": "call_1"}}
    assert execute("opticomm.externalApiAction", check, credential=key)[0] is False
    assert web.sent[1]["headers"]["x-api-key"] == "sk_test_1"


def test_a_key_for_some_addresses_is_refused_before_anything_is_sent(web: FakeWeb) -> None:
    bound = Credential("anima", {"authorization": "Bearer mk_1"}, is_bound_to_addresses=True)
    failed, told = execute("anima.agentList", credential=bound)
    assert (failed, told["error"], told["sent"], web.sent) == (True, "key_bound_to_addresses", False, [])


def test_wrong_arguments_are_told_before_a_confirmation_is_asked(web: FakeWeb) -> None:
    failed, told = execute("hum.upsertContact", {"body": {"e164": None}})
    assert (failed, told["error"]) == (True, "invalid_arguments")
    assert told["problems"] == ["body.e164: None is not of type 'string'"]
    assert not web.sent


REFUSED = [
    ("hum.nothing", "unknown_operation"),
    ("listCalls", "ambiguous_operation"),
    ("anima.agentList", "other_api"),
    ("hum.streamCallEvents", "not_executable"),
    ("hum.transcribeFlowAudio", "not_executable"),
    ("hum.logout", "not_executable"),
    ("mcp", "unknown_operation"),
]


@pytest.mark.parametrize(("operation_id", "code"), REFUSED)
def test_what_cannot_be_called_is_not_sent(web: FakeWeb, operation_id: str, code: str) -> None:
    failed, told = execute(operation_id, confirm=True)
    assert (failed, told["error"], told["sent"]) == (True, code, False)
    assert not web.sent


def test_no_operation_is_the_server_for_models_itself() -> None:
    assert not [one for one in CATALOG.operations.values() if one.path.startswith("/mcp")]


def test_an_error_of_the_api_is_an_error_of_the_tool(web: FakeWeb) -> None:
    web.response = Response(429, {"retry-after": "7"}, b'{"code":"rate_limited"}', 1)
    failed, told = execute("hum.listContacts")
    assert (failed, told["status"], told["headers"], told["body"]) == (
        True,
        429,
        {"retry-after": "7"},
        {"code": "rate_limited"},
    )


def test_a_redirect_is_shown_and_not_followed(web: FakeWeb) -> None:
    web.response = Response(302, {"location": "https://files.example.com/a"}, b"", 1)
    failed, told = execute("hum.listContacts")
    assert (failed, told["headers"], told["body"]) == (False, {"location": "https://files.example.com/a"}, None)
    assert len(web.sent) == 1


def test_a_long_body_is_cut_and_marked(web: FakeWeb) -> None:
    web.response = Response(200, {}, json.dumps({"text": "ü" * 60_000}, ensure_ascii=False).encode(), 1)
    failed, told = execute("hum.listContacts")
    assert (failed, told["truncated"]) == (False, True)
    assert len(told["body"].encode()) <= MAX_BODY_BYTES
    assert "�" not in told["body"]


def test_a_body_that_is_not_json_is_a_text(web: FakeWeb) -> None:
    web.response = Response(200, {}, b"name: \xff flow", 1)
    assert execute("hum.listContacts")[1]["body"] == "name: � flow"


def test_an_unknown_outcome_is_not_called_a_failure(web: FakeWeb) -> None:
    web.response = TimedOutError("no complete response within 24 s")
    failed, told = execute("hum.upsertContact", CONTACT, confirm=True)
    assert (failed, told["error"]) == (True, "no_response")
    assert "effect is unknown" in told["message"]
    assert "sent" not in told
    assert "Try again" in execute("hum.listContacts")[1]["message"]


def test_a_request_that_cannot_be_sent_says_so(web: FakeWeb) -> None:
    web.response = ForbiddenTargetError("the URL must have at most 2,048 characters")
    failed, told = execute("hum.listContacts")
    assert (failed, told["error"], told["sent"]) == (True, "invalid_request", False)


def test_a_deployment_without_a_domain_says_so(web: FakeWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_PUBLIC_URL")
    assert execute("hum.listContacts")[1]["error"] == "no_public_address"
    assert not web.sent


def test_the_host_never_comes_from_the_arguments(web: FakeWeb) -> None:
    for value in ("//evil.example", "@evil.example", "https://evil.example/", "..%2f..", "\\\\evil.example"):
        execute("hum.deleteContact", {"path": {"id": value}}, confirm=True)
    assert web.sent
    assert {urlsplit(sent["url"]).netloc for sent in web.sent} == {"app.example.com"}
