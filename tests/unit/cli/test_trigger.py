"""`switchboard trigger`: the requests that make events. tests/integration/test_cli.py sees the events themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switchboard.cli import trigger
from switchboard.webhooks import event_names
from tests.unit.cli.conftest import Run
from tests.unit.cli.servers import Request, Server, run_server


@pytest.fixture
def api() -> Iterator[Server]:
    def answer(request: Request) -> tuple[int, Any]:
        if request.path.startswith("/v1/agents") and request.method == "GET":
            return 200, {"items": [{"id": "agt_1"}]}
        return 201, {"callId": "call_1", "id": "msg_1"}

    with run_server() as server:
        server.answer = answer
        yield server


def run_trigger(run: Run, api: Server, *words: str) -> Any:
    return run("trigger", *words, "--url", api.url, "--key", "mk_1")


def test_without_an_event_it_lists_what_it_can_trigger(run: Run) -> None:
    rows = run("trigger", "--json").json
    assert len(rows) == len(trigger.TRIGGERS)
    assert all(row["does"] for row in rows)


def test_every_event_is_one_that_webhooks_report() -> None:
    known = {name for kind in event_names.EVENT_NAMES for name in event_names.event_types(kind)}
    named = {name.partition(":")[0] for one in trigger.TRIGGERS for name in one.names}
    assert named <= known


@pytest.mark.parametrize(
    ("event", "number"),
    [("call.ended", "+15005550006"), ("call.completed", "+15005550006"), ("call.ended:busy", "+15005550010")],
)
def test_a_call_is_placed_to_a_magic_number(run: Run, api: Server, event: str, number: str) -> None:
    assert run_trigger(run, api, event, "--json").json["call"] == "call_1"
    _, order = api.requests
    assert (order.method, order.path) == ("POST", "/v1/voice/calls")
    assert (order.json["to"], order.json["agentId"]) == (number, "agt_1")


def test_a_mail_is_sent(run: Run, api: Server) -> None:
    assert run_trigger(run, api, "message.bounced", "--json").json["message"] == "msg_1"
    assert api.requests[-1].json["to"] == "bounce@simulator.amazonses.com"


def test_an_unknown_event_is_refused_with_the_list(run: Run, api: Server) -> None:
    told = run_trigger(run, api, "call.end")
    assert (told.code, "call.ended" in told.err) == (2, True)
    assert not api.requests


def test_an_event_of_a_local_stack_is_refused_elsewhere(run: Run, api: Server) -> None:
    told = run_trigger(run, api, "sms.received")
    assert (told.code, "on a local stack only" in told.err) == (2, True)


def test_without_a_stack_it_says_how_to_start_one(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SWITCHBOARD_URL", "ANIMA_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    told = run("trigger", "call.ended")
    assert (told.code, "make run" in told.err) == (2, True)
    told = run("trigger", "call.ended", "--url", "http://127.0.0.1:9", "--key", "mk_1")
    assert (told.code, "Nothing was triggered at" in told.err) == (1, True)


def test_an_organization_without_an_agent_is_told_to_create_one(run: Run, api: Server) -> None:
    api.answer = lambda _: (200, {"items": []})
    told = run_trigger(run, api, "call.ended")
    assert (told.code, "agent create" in told.err) == (1, True)
