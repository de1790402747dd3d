"""Clients that send each request once: no request is lost to a connection that died while it was idle."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from switchboard.aws import clients
from switchboard.carriers.language import ThrottledError
from switchboard.carriers.language.bedrock import Bedrock
from switchboard.carriers.mail import OutcomeUnknownError, OutgoingMail
from switchboard.carriers.mail.ses import SesCarrier
from switchboard.kit import clock

SENT = (
    b"<SendRawEmailResponse><SendRawEmailResult><MessageId>m-1</MessageId></SendRawEmailResult></SendRawEmailResponse>"
)
SAID = json.dumps({"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}}}).encode()


class Provider:
    """Keeps connections open. Once they are dead, it does not answer requests that still arrive over them."""

    def __init__(self, body: bytes) -> None:
        self.body, self.connections, self.requests, self.dead = body, 0, 0, False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        served = 0
        with connection, connection.makefile("rb") as incoming:
            while line := incoming.readline():
                size = 0
                while (header := incoming.readline()) not in (b"\r\n", b""):
                    if header.lower().startswith(b"content-length:"):
                        size = int(header.split(b":")[1])
                incoming.read(size)
                assert line.startswith(b"POST ")
                self.requests += 1
                if served and self.dead:
                    return
                served += 1
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
                connection.sendall(head.encode() + self.body)


@pytest.fixture
def provider(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> Iterator[Provider]:
    found = Provider(request.param)
    for name, value in {
        "AWS_ENDPOINT_URL": found.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
    }.items():
        monkeypatch.setenv(name, value)
    clients.clear_clients()
    yield found
    found.close()
    clients.clear_clients()


def send_mail() -> str:
    outbound = OutgoingMail(
        org_id="org_a",
        message_id="msg_1",
        sender="a@example.com",
        recipients=["b@example.com"],
        content=b"Subject: Hello\r\n\r\nHello.\r\n",
    )
    return SesCarrier().send(outbound)


def ask_provider() -> str:
    return Bedrock("a.model").ask_model("Be brief.", "Are you there?", max_tokens=10)


def count_request() -> object:
    """Send a limiter's request to its table."""
    return clients.dynamodb_client_without_retries().get_item(TableName="ratelimit", Key={"pk": {"S": "a"}})


EACH = pytest.mark.parametrize(
    ("provider", "act", "lost"),
    [
        pytest.param(SENT, send_mail, OutcomeUnknownError, id="ses"),
        pytest.param(SAID, ask_provider, ThrottledError, id="bedrock"),
        pytest.param(b"{}", count_request, clients.CONNECTION_ERRORS, id="limiter"),
    ],
    indirect=["provider"],
)


@EACH
def test_the_first_request_after_a_freeze_has_a_new_connection(
    provider: Provider, act: Callable[[], object], lost: Any, frozen: clock.FrozenClock
) -> None:
    assert act()
    provider.dead = True
    frozen.advance(minutes=10)
    assert act()
    assert (provider.connections, provider.requests) == (2, 2)


@EACH
def test_a_clock_that_was_set_back_causes_a_new_connection(
    provider: Provider, act: Callable[[], object], lost: Any, frozen: clock.FrozenClock
) -> None:
    assert act()
    provider.dead = True
    frozen.advance(minutes=-10)
    assert act()


@EACH
def test_consecutive_requests_share_a_connection_and_are_sent_once(
    provider: Provider, act: Callable[[], object], lost: Any, frozen: clock.FrozenClock
) -> None:
    for _ in range(3):
        assert act()
        frozen.advance(seconds=clients.MAX_IDLE_SECONDS)
    assert provider.connections == 1
    provider.dead = True
    with pytest.raises(lost):
        act()
    assert provider.requests == 4, "only the provider knows whether it did the request"
