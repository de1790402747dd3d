"""The tour's back end accepts good signatures and rejects bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread

import httpx
import pytest
from standardwebhooks import Webhook

from infra.local import receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"event":"call.completed"}'


@pytest.fixture
def url() -> Iterator[str]:
    server = receiver.serve(0, SECRET)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/calls"
    server.shutdown()
    server.server_close()
    thread.join()


def sign_body(secret: str, body: str = BODY) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body),
    }


def test_a_good_signature_is_accepted_and_reported(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert httpx.post(url, content=BODY, headers=sign_body(SECRET)).status_code == 204
    assert capfd.readouterr().out == '/calls: signature good: {"event": "call.completed"}\n'


@pytest.mark.parametrize("headers", [{}, sign_body("whsec_" + "A" * 32), sign_body(SECRET, "{}")])
def test_any_other_signature_is_refused(url: str, capfd: pytest.CaptureFixture[str], headers: dict[str, str]) -> None:
    assert httpx.post(url, content=BODY, headers=headers).status_code == 401
    assert "signature refused" in capfd.readouterr().out
