"""Webhooks over the whole stack: they arrive signed, in order and with one id, even if a worker is killed."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.conftest import Stack
from tests.integration.conftest import SignedUp, wait_until
from tests.integration.receiver import Receiver


def test_a_mail_webhook_is_signed_and_its_delivery_can_be_read(
    http: httpx.Client, acme: SignedUp, receiver: Receiver
) -> None:
    receiver.answers = [500]
    hook = http.post("/v1/webhooks", json={"url": receiver.url, "events": ["message.sent"]}, headers=acme.master).json()
    mail = {"to": "you@example.com", "subject": "Hello", "body": "b"}
    sent = http.post("/v1/email/send", json=mail, headers=acme.agent).json()
    wait_until(lambda: len(receiver.got) == 2, 30)
    for got in receiver.got:
        Webhook(hook["secret"]).verify(got["raw"], got["headers"])
        assert got["body"]["messageId"] == sent["id"]
        assert got["headers"]["X-Anima-Event"] == "message.sent"
    assert len({got["headers"]["webhook-id"] for got in receiver.got}) == 1
    path = f"/v1/webhooks/{hook['id']}/deliveries"
    (delivery,) = wait_until(
        lambda: http.get(path, params={"status": "SUCCEEDED"}, headers=acme.master).json()["items"]
    )
    assert [attempt["status"] for attempt in delivery["history"]] == [500, 200]
    assert delivery["id"] == receiver.got[0]["headers"]["webhook-id"]


def test_opticomm_callbacks_arrive_in_order_after_a_kill_of_the_worker(
    http: httpx.Client, stack: Stack, receiver: Receiver
) -> None:
    receiver.hold = holding = threading.Event()
    request_id = secrets.token_hex(8)
    body = {
        "action": "initiate_call",
        "agent_id": stack.keys["OPTICOMM_AGENT_ID"],
        "phone_number": "+14155550142",
        "request_id": request_id,
        "webhook_url": receiver.url,
    }
    key = {"X-API-Key": stack.keys["OPTICOMM_LIVE_KEY"]}
    correlation = {"x-correlation-id": f"corr-{request_id}"}
    call = http.post("/functions/v1/external-api", json=body, headers=key | correlation).json()
    assert call["success"] is True
    wait_until(lambda: receiver.held, 20)
    os.kill(_owner(stack.process.pid, receiver.held[0]), signal.SIGKILL)
    wait_until(lambda: len(receiver.about(call["call_id"])) == 2, 60)
    holding.set()
    told = receiver.about(call["call_id"])
    assert [one["body"]["event"] for one in told] == ["call.initiated", "call.completed"]
    assert [one["body"]["status"] for one in told] == ["pending", "completed"]
    assert [one["headers"]["webhook-sequence"] for one in told] == ["1", "2"]
    assert len({one["headers"]["webhook-id"] for one in told}) == 2
    for one in told:
        Webhook(stack.keys["OPTICOMM_WEBHOOK_SECRET"]).verify(one["raw"], one["headers"])
        assert one["body"]["request_id"] == request_id
        assert one["body"]["conversation_id"] == call["conversation_id"]

    # The same call in Anima.
    master = {"Authorization": f"Bearer {stack.keys['ANIMA_MASTER_KEY']}"}
    assert http.get(f"/v1/voice/calls/{call['call_id']}", headers=master).json()["state"] == "ENDED"
    actions = [event["action"] for event in _chain(http, master, correlation)["events"]]
    assert actions[0] == "voice.call.created"
    assert "voice.call.completed" in actions
    seq = wait_until(lambda: _chain(http, master, correlation)["events"][0].get("seq"))
    with http.stream("GET", "/v1/events/stream", headers=master | {"Last-Event-ID": str(seq - 1)}) as live:
        line = next(line for line in live.iter_lines() if line.startswith("data:"))
    assert call["call_id"] in line
    asked = {"action": "check_status", "request_id": request_id}
    status = http.post("/functions/v1/external-api", json=asked, headers=key).json()
    assert (status["call_id"], status["status"]) == (call["call_id"], "completed")


def _chain(http: httpx.Client, master: dict[str, str], correlation: dict[str, str]) -> Any:
    query = {"correlation_id": correlation["x-correlation-id"]}
    return http.get("/v1/audit/events", params=query, headers=master).json()


def _owner(parent: int, port: int) -> int:
    """The process below `parent` that holds the local end of a connection from that port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in lines if line.split()[1].endswith(f":{port:04X}")}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _descends(int(process.name), parent):
            with suppress(OSError):
                held = {str(handle.readlink()) for handle in (process / "fd").iterdir()}
                if held & {f"socket:[{inode}]" for inode in inodes}:
                    return int(process.name)
    raise AssertionError("nobody holds the connection")


def _descends(process: int, parent: int) -> bool:
    while process > 1:
        if process == parent:
            return True
        try:
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return False


def test_a_slow_endpoint_does_not_delay_others(http: httpx.Client, acme: SignedUp, receiver: Receiver) -> None:
    receiver.hold = holding = threading.Event()
    slow, quick = (
        http.post("/v1/webhooks", json={"url": url, "timeoutMs": 30_000}, headers=acme.master).json()
        for url in (receiver.url, receiver.url + "/quick")
    )
    http.post(f"/v1/webhooks/{slow['id']}/test", headers=acme.master)
    wait_until(lambda: receiver.held, 20)
    started = time.monotonic()
    for _ in range(5):
        http.post(f"/v1/webhooks/{quick['id']}/test", headers=acme.master)
    wait_until(lambda: len(receiver.got) == 5, 20)
    assert time.monotonic() - started < 20
    holding.set()
