"""An endpoint on this machine, which receives webhooks of the stack."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver(ThreadingHTTPServer):
    """An endpoint on this machine. It returns the next of `answers`, else 200. It waits while `hold` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.hold: threading.Event | None = None
        self.held: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def about(self, call_id: str) -> list[dict[str, Any]]:
        return [one for one in self.got if one["body"].get("call_id") == call_id]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        hold, self.server.hold = self.server.hold, None
        if hold:
            self.server.held.append(self.client_address[1])
            hold.wait(40)
            return  # the client is gone
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.server.got.append({"raw": body, "headers": dict(self.headers), "body": json.loads(body), "status": status})
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Disable the server's log."""


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A receiver that runs in a thread of its own."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
