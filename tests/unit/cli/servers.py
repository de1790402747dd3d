"""A server that gives prepared answers one after another, and records the requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """A request as the server got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """`answer` returns the status and the JSON of the response to a request."""

    url: str = ""
    answer: Callable[[Request], tuple[int, Any]] = lambda _: (200, {})
    requests: list[Request] = field(default_factory=list)


@contextmanager
def run_server() -> Iterator[Server]:
    """Run a server on a free port of this machine."""
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            found.requests.append(request)
            status, content = found.answer(request)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        do_GET = do_POST = _respond  # noqa: N815 the names of the base class

        def log_message(self, *_: Any) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield found
    finally:
        running.shutdown()
        thread.join()
        running.server_close()
