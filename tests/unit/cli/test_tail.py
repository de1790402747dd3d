"""`switchboard tail` against a server that breaks in every way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from switchboard.cli import main, tail

EVENT = {
    "ts": "2026-01-15T17:00:00.000Z",
    "channel": "email",
    "agentId": "agt_1",
    "event": "email.sent",
    "detail": "message msg_1",
    "correlationId": "corr_1",
}
Answer = Callable[[BaseHTTPRequestHandler], None]


def stream_response(text: str, *, cut: bool = False) -> Answer:
    """A stream of that text, in chunks of a few bytes. `cut` breaks the connection instead of ending it."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        data = text.encode()
        for start in range(0, len(data), 7):
            part = data[start : start + 7]
            request.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if not cut:
            request.wfile.write(b"0\r\n\r\n")
        request.close_connection = True

    return answer


def refusal_response(status: int, detail: str = "No.", **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        body = json.dumps({"detail": detail}).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def event_block(seq: int, **changes: Any) -> str:
    return f"id: {seq}\ndata: {json.dumps(EVENT | changes)}\n\n"


@dataclass
class Server:
    """Gives its responses one after another, and records the requests."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.asked.append((self.path, self.headers["Authorization"], self.headers["Last-Event-ID"]))
            found.answers.pop(0)(self)

        def log_message(self, *_: Any) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield found
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(tail, "sleep", found.append)
    return found


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def run_tail(server: Server, *options: str) -> int:
    return main(["tail", "--url", server.url, "--key", "mk_1", *options])


def test_events_are_printed_until_the_key_is_refused(
    server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [
        stream_response(
            "retry: 2000\nid: 40\n\n: ping\n"
            + event_block(41)
            + event_block(42, agentId=None, channel="key", detail=None)
        ),
        refusal_response(401, "The API key is revoked: use another key."),
    ]
    assert run_tail(server, "--channel", "email", "--agent", "agt_1") == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "[17:00:00] email | agt_1 | email.sent message msg_1",
        "[17:00:00] key | - | email.sent",
    ]
    assert "The API key is revoked: use another key." in printed.err
    assert server.asked == [
        ("/v1/events/stream?channel=email&agent_id=agt_1", "Bearer mk_1", None),
        ("/v1/events/stream?channel=email&agent_id=agt_1", "Bearer mk_1", "42"),
    ]
    assert pauses == [2.0]


def test_short_responses_follow_at_the_servers_interval(
    server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [
        *(stream_response(f"retry: {4_000 + seq}\n\n" + event_block(seq) + ": all taken\n\n") for seq in range(41, 48)),
        stream_response("retry: 4500\n\nid: 60\n\n"),
        refusal_response(401),
    ]
    assert run_tail(server, "--raw") == 1
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 7
    assert [seen for _, _, seen in server.asked] == [None, *map(str, range(41, 48)), "60"]
    assert pauses == [*((4_000 + seq) / 1_000 for seq in range(41, 48)), 4.5]
    assert printed.err.count("the stream ended") == 1, "it is printed once, not every few seconds"


def test_a_broken_stream_resumes_after_the_last_complete_event(
    server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = event_block(42)
    server.answers = [
        stream_response("id: 40\n\n", cut=True),
        stream_response(event_block(41) + whole[:-1], cut=True),
        stream_response(event_block(42) + "id: 60\n\n", cut=True),
        refusal_response(403),
    ]
    assert run_tail(server, "--raw") == 1
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [EVENT, EVENT]
    assert [seen for _, _, seen in server.asked] == [None, "40", "41", "60"]
    assert pauses == [1.0, 1.0, 1.0]


def test_the_start_is_printed_at_first_and_after_a_failure(
    server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [
        stream_response(event_block(41)),
        stream_response(event_block(42)),
        refusal_response(503),
        stream_response(event_block(43)),
        refusal_response(401),
    ]
    assert run_tail(server) == 1
    printed = capsys.readouterr()
    assert "watching" not in printed.out
    first, *_ = told = printed.err.splitlines()
    assert (first, told.count("watching …")) == ("watching …", 2)


def test_five_tries_in_a_row_are_made(server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    server.answers = [
        refusal_response(503),
        refusal_response(429, Retry_After="12"),
        *(refusal_response(500) for _ in range(4)),
    ]
    assert run_tail(server) == 1
    assert len(server.asked) == 6
    assert pauses == [1.0, 12.0, 4.0, 8.0, 16.0]
    assert "Gave up after 5 attempts" in capsys.readouterr().err


def test_the_count_of_tries_resets_with_each_open_stream(server: Server, pauses: list[float]) -> None:
    server.answers = [
        *(refusal_response(500) for _ in range(5)),
        stream_response(event_block(41)),
        refusal_response(500),
        refusal_response(401),
    ]
    assert run_tail(server) == 1
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 1.0, 1.0], "an end is not a failure"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_permanent_refusal_stops_at_once(server: Server, pauses: list[float], status: int) -> None:
    server.answers = [refusal_response(status)]
    assert run_tail(server) == 1
    assert not pauses


def test_an_address_where_nothing_answers_is_given_up_after_seconds(
    pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tail", "--url", "http://127.0.0.1:9", "--key", "mk_1"]) == 1
    assert pauses == [1.0, 2.0]
    assert capsys.readouterr().err.splitlines()[-1] == (
        "switchboard: Nothing answers at http://127.0.0.1:9: start the stack with `make run`, or give another --url."
    )


def test_a_server_that_has_answered_is_tried_again(server: Server, pauses: list[float]) -> None:
    def vanish(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True

    server.answers = [stream_response(event_block(41)), *(vanish for _ in range(6))]
    assert run_tail(server) == 1
    assert pauses == [1.0, 1.0, 2.0, 4.0, 8.0, 16.0]


def test_the_demo_is_the_default(
    server: Server, pauses: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SWITCHBOARD_URL", "ANIMA_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["tail"]) == 2
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "demo.env").write_text(f"SWITCHBOARD_URL={server.url}\nANIMA_MASTER_KEY=mk_demo\n")
    server.answers = [refusal_response(401)]
    assert main(["tail"]) == 1
    assert server.asked == [("/v1/events/stream", "Bearer mk_demo", None)]


@pytest.mark.parametrize("url", ["ftp://example.com", "nothing"])
def test_an_invalid_address_is_bad_usage(url: str) -> None:
    assert main(["tail", "--url", url, "--key", "mk_1"]) == 2
