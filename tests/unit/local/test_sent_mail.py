"""The local mailbox reports the delivery of each mail."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope, Session

from infra.local import sent_mail
from infra.local.inbound_mail import InboundMail
from infra.local.sent_mail import SentMail
from switchboard.kit.settings import env_key


class FakeQueue:
    """A client of SQS that keeps the entries of each request."""

    def __init__(self) -> None:
        self.requests: list[list[dict[str, Any]]] = []

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        assert request["QueueUrl"] == "events"
        self.requests.append(request["Entries"])
        return {}

    def list_kinds(self) -> list[Counter[str]]:
        """The kinds of event in each request."""
        return [Counter(json.loads(entry["MessageBody"])["eventType"] for entry in one) for one in self.requests]


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    made = FakeQueue()
    monkeypatch.setattr(sent_mail, "engine_client", lambda *_: made)
    return made


def deliver(folder: Path, recipients: int) -> None:
    """Give the mailbox a mail, as the engine does."""
    mailbox = SentMail(folder, InboundMail())
    mailbox.report_to({env_key("QUEUE", "email-events"): "events"})
    envelope = Envelope()
    envelope.mail_from, envelope.content = "agent@example.com", b"Message-ID: <one@example.com>\r\n\r\nHello"
    envelope.rcpt_tos = [f"you{number}@example.com" for number in range(recipients)]
    asyncio.run(mailbox.handle_DATA(None, Session(None), envelope))  # type: ignore[arg-type]


def test_a_mail_is_reported_as_sent_and_delivered_in_one_request(tmp_path: Path, queue: FakeQueue) -> None:
    deliver(tmp_path, recipients=1)
    assert queue.list_kinds() == [{"Send": 1, "Delivery": 1}]


def test_no_request_has_more_events_than_sqs_accepts(tmp_path: Path, queue: FakeQueue) -> None:
    deliver(tmp_path, recipients=25)
    assert [one.total() for one in queue.list_kinds()] == [10, 10, 6]
    assert sum(queue.list_kinds(), Counter()) == {"Send": 1, "Delivery": 25}
