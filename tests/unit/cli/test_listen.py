"""`switchboard listen` against a feed and a receiver of this machine."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from switchboard.cli import listen
from tests.unit.cli.conftest import Run
from tests.unit.cli.servers import Server, run_server

BODY = '{"event":"call.ended","name":"Éva"}'
KEY = "mk_1"


def feed_item(number: int, event: str = "call.ended") -> dict[str, Any]:
    return {"id": f"dlv_{number}", "event": event, "eventId": f"evt_{number}", "sequence": number, "body": BODY}


@pytest.fixture
def api() -> Iterator[Server]:
    with run_server() as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Server]:
    with run_server() as server:
        yield server


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(listen, "sleep", found.append)
    return found


def give(api: Server, *answers: Any) -> None:
    """Let the feed give its answers in this order. After the last one it refuses the key, which ends the command."""
    waiting = list(answers)

    def answer(_: Any) -> tuple[int, Any]:
        found = waiting.pop(0) if waiting else 401
        return (found, {"detail": "The API key is revoked."}) if isinstance(found, int) else (200, found)

    api.answer = answer


def page(after: int, *items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "nextAfter": after}


def run_listen(run: Run, api: Server, *words: str) -> Any:
    return run("listen", "--url", api.url, "--key", KEY, *words)


def test_each_webhook_is_printed_once_and_the_place_is_kept(run: Run, api: Server, pauses: list[float]) -> None:
    give(api, page(7), page(9, feed_item(1), feed_item(2)), page(9), page(12, feed_item(3)))
    told = run_listen(run, api)
    assert told.code == 1
    assert [line.split()[3] for line in told.out.splitlines()] == ["dlv_1", "dlv_2", "dlv_3"]
    assert [request.path for request in api.requests] == [
        "/v1/webhooks/feed?api=anima",
        *(f"/v1/webhooks/feed?api=anima&after={after}" for after in (7, 9, 9, 12)),
    ]
    assert {request.headers["authorization"] for request in api.requests} == {f"Bearer {KEY}"}
    assert pauses == [1.5, 1.5]
    assert f"The signing secret is {listen.secret_of_key(KEY)}" in told.err


@pytest.mark.parametrize("kind", ["anima", "hum", "athos"])
def test_a_webhook_is_forwarded_with_the_headers_and_both_signatures(
    run: Run, api: Server, receiver: Server, pauses: list[float], kind: str
) -> None:
    give(api, page(7), page(9, feed_item(1)))
    told = run_listen(run, api, "--api", kind, "--forward-to", f"{receiver.url}/hooks?a=1".removeprefix("http://"))
    assert "<-- [200] POST" in told.out
    (sent,) = receiver.requests
    assert (sent.method, sent.path, sent.body.decode()) == ("POST", "/hooks?a=1", BODY)
    secret = listen.secret_of_key(KEY)
    Webhook(secret).verify(sent.body, sent.headers)
    assert sent.headers["webhook-id"] == "dlv_1"
    assert sent.headers["webhook-sequence"] == "1"
    assert sent.headers["x-switchboard-hop"] == "webhook"
    if kind == "hum":
        assert sent.headers["x-hum-signature"] == (
            "sha256=" + hmac.new(secret.encode(), sent.body, hashlib.sha256).hexdigest()
        )
    else:
        assert sent.headers[f"x-{kind}-signature"]


def test_only_wanted_events_are_forwarded(run: Run, api: Server, receiver: Server, pauses: list[float]) -> None:
    give(api, page(7), page(9, feed_item(1, "message.sent"), feed_item(2), feed_item(3, "agent.created")))
    run_listen(run, api, "--events", "call.*,agent.created", "--forward-to", receiver.url)
    assert [request.headers["webhook-id"] for request in receiver.requests] == ["dlv_2", "dlv_3"]


def test_an_unknown_event_is_refused_with_the_nearest(run: Run, api: Server) -> None:
    told = run_listen(run, api, "--events", "call.end")
    assert (told.code, "did you mean call.ended?" in told.err) == (2, True)
    assert run_listen(run, api, "--forward-to", "ftp://example.com").code == 2
    assert not api.requests


def test_a_receiver_that_fails_is_reported_and_the_next_webhook_is_sent(
    run: Run, api: Server, receiver: Server, pauses: list[float]
) -> None:
    give(api, page(7), page(9, feed_item(1), feed_item(2)))
    receiver.answer = lambda _: (500, {})
    assert run_listen(run, api, "--forward-to", receiver.url).out.count("<-- [500]") == 2
    give(api, page(7), page(9, feed_item(1)))
    assert "<-- [Connection refused]" in run_listen(run, api, "--forward-to", "localhost:9").out


def test_it_resumes_after_a_break(run: Run, api: Server, pauses: list[float]) -> None:
    give(api, page(7), 503, 503, page(9, feed_item(1)), 503, page(9))
    told = run_listen(run, api)
    assert told.out.count("dlv_1") == 1
    assert [request.path.partition("after=")[2] for request in api.requests] == ["", "7", "7", "7", "9", "9", "9"]
    assert pauses == [1.5, 1.0, 2.0, 1.0, 1.5]


def test_nothing_at_the_address_is_given_up(run: Run, pauses: list[float]) -> None:
    told = run("listen", "--url", "http://127.0.0.1:9", "--key", KEY)
    assert (told.code, "start the stack with `make run`" in told.err) == (1, True)
    assert pauses == [1.0, 2.0]


def test_json_is_a_line_for_each_webhook_and_each_response(
    run: Run, api: Server, receiver: Server, pauses: list[float]
) -> None:
    give(api, page(7), page(9, feed_item(1)))
    lines = [json.loads(line) for line in run_listen(run, api, "--json", "--forward-to", receiver.url).out.splitlines()]
    assert lines[0]["body"] == json.loads(BODY)
    assert (lines[1]["id"], lines[1]["status"]) == ("dlv_1", 200)


def test_the_secret_can_be_printed_for_scripts(run: Run, api: Server) -> None:
    secret = run_listen(run, api, "--print-secret").out.strip()
    assert secret == listen.secret_of_key(KEY) != listen.secret_of_key("mk_2")
    assert not api.requests
