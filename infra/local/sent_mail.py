"""Receives the mail that the engine's SES sends: an SMTP server that stores each mail and reports its delivery.

It replaces SES' event publishing, which the engine lacks: it sends the same events to the same queue.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.local.aws import engine_client
from infra.local.inbound_mail import InboundMail
from switchboard.carriers.mail.simulator import simulated_notifications
from switchboard.kit.settings import env_key

logger = logging.getLogger("mailbox")

_TAGS = "X-SES-MESSAGE-TAGS"
_KEPT = 1_000
_ON_THE_WAY = 2
#: The most messages that SQS accepts in one request.
_EVENTS_PER_REQUEST = 10


class SentMail:
    """Receives mail for all addresses. Mail for our own agents is also delivered as inbound mail."""

    def __init__(self, folder: Path, inbound: InboundMail) -> None:
        self._folder, self._inbound = folder, inbound
        self._environ: dict[str, str] = {}
        self._server: asyncio.Server | None = None

    def report_to(self, environ: dict[str, str]) -> None:
        """Set the environment with the queue for notifications, after the queues exist."""
        self._environ = environ

    async def start(self, port: int) -> None:
        """Listen on this machine only."""
        self._folder.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="mailbox.local", loop=loop, enable_SMTPUTF8=True), "127.0.0.1", port
        )

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Store a mail, and report its delivery."""
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        mail = message_from_bytes(raw, policy=policy.default)
        external_id = str(mail["Message-ID"] or "").strip("<>")
        tags = dict(part.strip().split("=", 1) for part in str(mail[_TAGS] or "").split(",") if "=" in part)
        self._keep_mail(external_id, raw)
        events = simulated_notifications(external_id, str(envelope.mail_from), envelope.rcpt_tos, tags)
        await asyncio.to_thread(self._send_events, events)
        if ours := [address for address in envelope.rcpt_tos if self._inbound.accepts_address(address)]:
            # As with real mail, it arrives some time after the report that it was sent.
            await asyncio.to_thread(
                self._inbound.store_mail, _without_tags(raw), envelope.mail_from or "", ours, delay=_ON_THE_WAY
            )
        logger.info("mail to %d recipients", len(envelope.rcpt_tos))
        return "250 OK"

    def _keep_mail(self, external_id: str, raw: bytes) -> None:
        name = "".join(char if char.isalnum() or char in "-." else "_" for char in external_id.partition("@")[0])
        (self._folder / f"{name or 'mail'}.eml").write_bytes(raw)
        kept = sorted(self._folder.glob("*.eml"), key=lambda path: path.stat().st_mtime)
        for old in kept[:-_KEPT]:
            old.unlink()

    def _send_events(self, events: list[dict[str, Any]]) -> None:
        # The events of a mail go in one request if possible: if the stack is killed between two requests, nobody
        # reports the delivery of a mail that counts as sent.
        sqs, url = engine_client(self._environ, "sqs"), self._environ[env_key("QUEUE", "email-events")]
        for first in range(0, len(events), _EVENTS_PER_REQUEST):
            page = events[first : first + _EVENTS_PER_REQUEST]
            entries = [{"Id": str(place), "MessageBody": json.dumps(event)} for place, event in enumerate(page)]
            answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
            if failed := answer.get("Failed"):
                raise RuntimeError(f"The engine did not accept the events of a mail: {failed}")


def _without_tags(raw: bytes) -> bytes:
    """Return the mail without the header that SES removes."""
    return re.sub(rb"(?im)\A((?:[^\r\n]+\r?\n)*?)X-SES-MESSAGE-TAGS:.*\n(?:[ \t].*\n)*", rb"\1", raw, count=1)
