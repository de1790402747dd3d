"""Stripe's API on this machine: a server that records each request and answers as the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from switchboard.aws import clients, secret

PRICES = "starter=price_starter,growth=price_growth,scale=price_scale"


@dataclass(frozen=True)
class StripeRequest:
    """A request of the SDK. `given` has its parameters, flat as Stripe's forms are."""

    method: str
    path: str
    given: dict[str, str]
    key: str | None
    version: str | None
    token: str | None


#: Answers a request with a status and JSON. Status 0 closes the connection.
AnswerStripe = Callable[[StripeRequest], tuple[int, Any]]


@dataclass
class StripeServer:
    """The requests that came, oldest first, and the answer to the next ones.

    With `keeps`, the first answer to a key is given again, as Stripe does for a day.
    """

    answer: AnswerStripe
    requests: list[StripeRequest] = field(default_factory=list)
    #: The bodies of the requests. Unlike `given`, they show empty parameters.
    bodies: list[str] = field(default_factory=list)
    keeps: bool = False
    kept: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def find_answer(self, request: StripeRequest) -> tuple[int, Any, bool]:
        """Returns the status, the content, and whether they were given before."""
        if self.keeps and request.key in self.kept:
            return *self.kept[request.key], True
        status, content = self.answer(request)
        if request.key:
            self.kept[request.key] = status, content
        return status, content, False


def stripe_error(kind: str, code: str = "no", message: str = "No.") -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": message, "param": "plan"}}


def stripe_list(*items: Any) -> dict[str, Any]:
    return {"object": "list", "url": "/v1/x", "has_more": False, "data": list(items)}


@contextmanager
def serve_stripe(answer: AnswerStripe, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeServer]:
    """Serves Stripe's API, and gives the deployment an account there."""
    found = StripeServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            made = StripeRequest(
                self.command,
                target.path,
                dict(parse_qsl(target.query) + parse_qsl(body)),
                self.headers.get("Idempotency-Key"),
                self.headers.get("Stripe-Version"),
                self.headers.get("Authorization"),
            )
            found.requests.append(made)
            found.bodies.append(body)
            status, content, replayed = found.find_answer(made)
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            if replayed:
                self.send_header("Idempotent-Replayed", "true")
            self.end_headers()
            with suppress(BrokenPipeError):
                self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 the names that the server calls

        def log_message(self, *_: Any) -> None:
            """Disables the server's log."""

    secrets = clients.get_client("secretsmanager")
    secrets.create_secret(Name="stripe-key", SecretString="sk_test_1")
    secrets.create_secret(Name="stripe-hook", SecretString="whsec_new\nwhsec_old\n")
    secret.clear_cache()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        for name, value in {
            "PAYMENTS_CARRIER": "stripe",
            "STRIPE_SECRET": "stripe-key",
            "STRIPE_WEBHOOK_SECRET": "stripe-hook",
            "STRIPE_PRICES": PRICES,
            "STRIPE_METERED_PRICES": "price_minutes,price_segments",
            "STRIPE_API_URL": f"http://127.0.0.1:{server.server_address[1]}",
        }.items():
            monkeypatch.setenv(f"SWITCHBOARD_{name}", value)
        yield found
        server.shutdown()
