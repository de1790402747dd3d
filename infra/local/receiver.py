"""A webhook receiver for the tour. It prints for each webhook whether its signature is valid.

`python -m infra.local.receiver PORT SECRET` responds 204 to a valid signature (Standard Webhooks), and 401 otherwise.
"""

from __future__ import annotations

import contextlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from standardwebhooks import Webhook, WebhookVerificationError

#: Larger than any of our webhook bodies, in bytes.
_LARGEST = 65_536


class Receiver(BaseHTTPRequestHandler):
    """Handles one request."""

    webhook: ClassVar[Webhook]

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("content-length") or 0), _LARGEST))
        try:
            told = self.webhook.verify(body, dict(self.headers.items()))
        except WebhookVerificationError as error:
            self._answer(401, f"signature refused: {error}")
        else:
            self._answer(204, f"signature good: {json.dumps(told)}")

    def _answer(self, status: int, said: str) -> None:
        print(f"{self.path}: {said}", flush=True)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing: `_answer` prints each request already."""


def serve(port: int, secret: str) -> ThreadingHTTPServer:
    """Return a server that is ready to serve. Port 0 means any free port."""
    handler = type("Verifying", (Receiver,), {"webhook": Webhook(secret)})
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


def main() -> None:
    """Serve until Ctrl-C."""
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m infra.local.receiver PORT SECRET")
    with contextlib.suppress(KeyboardInterrupt):
        serve(int(sys.argv[1]), sys.argv[2]).serve_forever()


if __name__ == "__main__":
    main()
