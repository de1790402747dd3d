"""Receives inbound mail on an SMTP port, and stores it like SES.

SES accepts all mail for the domain of the receipt rule and for no other domain, stores it, and sends a notice. This
server does the same. The function finds out later whether an address exists.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import socket
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from infra import topology
from infra.local.aws import engine_client
from switchboard.email import parsing
from switchboard.kit import clock
from switchboard.kit.settings import env_key

logger = logging.getLogger("inbound")

#: SES' limit for stored mail, in bytes.
MAX_MAIL_BYTES = 40 * 1024 * 1024
_BUCKET = next(bucket for bucket in topology.BUCKETS if bucket.mail)
#: The standard test texts for scanners: they are harmless, and every scanner detects them.
_SPAM, _VIRUS = b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL", b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"


class _Server(SMTP):
    # Like SES, accept lines longer than the standard's 1,000 characters: some mail programs send them.
    line_length_limit = 65_536


class InboundMail:
    """Accepts mail for the agents' domain."""

    def __init__(self) -> None:
        self._environ: dict[str, str] = {}
        self._server: asyncio.Server | None = None

    async def start(self, environ: dict[str, str], listener: socket.socket) -> int:
        """Accept mail at a listening socket. Returns its port."""
        self._environ = environ
        loop = asyncio.get_running_loop()

        def server() -> SMTP:
            return _Server(
                self, hostname="inbound.local", loop=loop, enable_SMTPUTF8=True, data_size_limit=MAX_MAIL_BYTES
            )

        self._server = await loop.create_server(server, sock=listener)
        used: int = self._server.sockets[0].getsockname()[1]
        return used

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def accepts_address(self, address: str) -> bool:
        """Whether an address is in the agents' domain."""
        return address.rpartition("@")[2].lower() == self._environ.get("SWITCHBOARD_AGENTS_DOMAIN", "").lower()

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient of the agents' domain, and refuse all others: this server is not a relay."""
        if not self.accepts_address(address):
            return f"550 5.7.1 this server accepts only mail for {self._environ['SWITCHBOARD_AGENTS_DOMAIN']}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 as above
        """Accept a mail."""
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        ses_id = await asyncio.to_thread(self.store_mail, raw, envelope.mail_from or "", list(envelope.rcpt_tos))
        logger.info("mail from %s for %d recipients", session.peer, len(envelope.rcpt_tos))
        return f"250 OK {ses_id}"

    def store_mail(self, raw: bytes, sender: str, recipients: list[str], delay: int = 0) -> str:
        """Store a mail, and queue its notice with a delay in seconds. Returns the mail's SES id."""
        ses_id, at = secrets.token_hex(20), clock.now_iso()
        key = f"{_BUCKET.mail}{ses_id}"
        head = f"Return-Path: <{sender}>\r\nReceived: by inbound.local with SMTP id {ses_id}; {at}\r\n"
        bucket = self._environ[env_key("BUCKET", _BUCKET.name)]
        self._client("s3").put_object(Bucket=bucket, Key=key, Body=head.encode() + raw)
        notice = notification(ses_id, key, at, sender, recipients, verdicts(raw))
        self._client("sqs").send_message(
            QueueUrl=self._environ[env_key("QUEUE", "inbound-mail")],
            MessageBody=json.dumps(notice),
            DelaySeconds=delay,
        )
        return ses_id

    def _client(self, service: str) -> Any:
        return engine_client(self._environ, service)


def verdicts(raw: bytes) -> dict[str, str]:
    """The verdicts of SES' scanners, found by the standard test texts. The sender cannot be checked here."""
    parsed = parsing.parse_mail(raw)
    contents = [raw, *(one.content for one in parsed.attachments)]
    spam, virus = (any(text in content for content in contents) for text in (_SPAM, _VIRUS))
    return {
        "spam": "FAIL" if spam else "PASS",
        "virus": "FAIL" if virus else "PASS",
        **dict.fromkeys(("spf", "dkim", "dmarc"), "GRAY"),
    }


def notification(
    ses_id: str, key: str, at: str, sender: str, recipients: list[str], found: dict[str, str]
) -> dict[str, Any]:
    """The notice of SES' S3 action for a received mail."""
    return {
        "notificationType": "Received",
        "receipt": {
            "timestamp": at,
            "processingTimeMillis": 1,
            "recipients": recipients,
            **{f"{name}Verdict": {"status": status} for name, status in found.items()},
            "action": {"type": "S3", "bucketName": _BUCKET.name, "objectKeyPrefix": _BUCKET.mail, "objectKey": key},
        },
        "mail": {"timestamp": at, "source": sender, "messageId": ses_id, "destination": recipients},
    }
