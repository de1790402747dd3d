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


def stream(text: str, *, cut: bool = False) -> Answer:
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


def refusal(status: int, detail: str = "No.", **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        body = json.dumps({"detail": detail}).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def event(seq: int, **changes: Any) -> str:
    return f"id: {seq}\ndata: {json.dumps(EVENT | changes)}\n\n"


@dataclass
class Server:
    """Gives its answers one after another, and notes who asked for what."""

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


def run(server: Server, *options: str) -> int:
    return main(["tail", "--url", server.url, "--key", "mk_1", *options])


def test_events_are_printed_until_the_key_no_longer_opens(
    server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [
        stream("retry: 2000\nid: 40\n\n: ping\n" + event(41) + event(42, agentId=None, channel="key", detail=None)),
        refusal(401, "The API key is revoked: use another key."),
    ]
    assert run(server, "--channel", "email", "--agent", "agt_1") == 1
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


def test_answers_that_end_follow_each_other_as_the_server_asks(
    server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [
        *(stream(f"retry: {4_000 + seq}\n\n" + event(seq) + ": all taken\n\n") for seq in range(41, 48)),
        stream("retry: 4500\n\nid: 60\n\n"),
        refusal(401),
    ]
    assert run(server, "--raw") == 1
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 7
    assert [seen for _, _, seen in server.asked] == [None, *map(str, range(41, 48)), "60"]
    assert pauses == [*((4_000 + seq) / 1_000 for seq in range(41, 48)), 4.5]
    assert printed.err.count("the stream ended") == 1, "it is said once, not every few seconds"


def test_a_broken_stream_is_taken_up_behind_the_last_whole_event(
    server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = event(42)
    server.answers = [
        stream("id: 40\n\n", cut=True),
        stream(event(41) + whole[:-1], cut=True),
        stream(event(42) + "id: 60\n\n", cut=True),
        refusal(403),
    ]
    assert run(server, "--raw") == 1
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [EVENT, EVENT]
    assert [seen for _, _, seen in server.asked] == [None, "40", "41", "60"]
    assert pauses == [1.0, 1.0, 1.0]


def test_that_it_watches_is_told_at_first_and_after_a_failure(
    server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [stream(event(41)), stream(event(42)), refusal(503), stream(event(43)), refusal(401)]
    assert run(server) == 1
    printed = capsys.readouterr()
    assert "watching" not in printed.out
    first, *_ = told = printed.err.splitlines()
    assert (first, told.count("watching …")) == ("watching …", 2)


def test_five_tries_in_a_row_are_made(server: Server, pauses: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    server.answers = [refusal(503), refusal(429, Retry_After="12"), *(refusal(500) for _ in range(4))]
    assert run(server) == 1
    assert len(server.asked) == 6
    assert pauses == [1.0, 12.0, 4.0, 8.0, 16.0]
    assert "Gave up after 5 attempts" in capsys.readouterr().err


def test_the_count_begins_anew_with_each_stream_that_opens(server: Server, pauses: list[float]) -> None:
    server.answers = [*(refusal(500) for _ in range(5)), stream(event(41)), refusal(500), refusal(401)]
    assert run(server) == 1
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 1.0, 1.0], "an end is no failure"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_another_try_would_not_change_stops_at_once(server: Server, pauses: list[float], status: int) -> None:
    server.answers = [refusal(status)]
    assert run(server) == 1
    assert not pauses


def test_a_server_that_is_not_there_is_tried_again(pauses: list[float]) -> None:
    assert main(["tail", "--url", "http://127.0.0.1:9", "--key", "mk_1"]) == 1
    assert len(pauses) == 5


def test_the_demo_is_the_default(
    server: Server, pauses: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SWITCHBOARD_URL", "ANIMA_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["tail"]) == 2
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "demo.env").write_text(f"SWITCHBOARD_URL={server.url}\nANIMA_MASTER_KEY=mk_demo\n")
    server.answers = [refusal(401)]
    assert main(["tail"]) == 1
    assert server.asked == [("/v1/events/stream", "Bearer mk_demo", None)]


@pytest.mark.parametrize("url", ["ftp://example.com", "nothing"])
def test_what_is_no_address_is_bad_usage(url: str) -> None:
    assert main(["tail", "--url", url, "--key", "mk_1"]) == 2
