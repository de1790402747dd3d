"""The near end of the mail: an SMTP port for what comes in, and what SES does with it.

SES takes all mail for the domain of the receipt rule and no other, stores it, and says so. So does this; an address
that is nobody's is found out later, by the function.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from infra import topology
from infra.local.aws import client
from switchboard.aws import clock
from switchboard.aws.settings import env_key
from switchboard.email import parsing

logger = logging.getLogger("inbound")

#: SES' limit for mail that it stores.
LARGEST = 40 * 1024 * 1024
_PORT = 2_525
_BUCKET = next(bucket for bucket in topology.BUCKETS if bucket.mail)
#: The texts by which every scanner can be tried: they are harmless, and found by all.
_SPAM, _VIRUS = b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL", b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"


class _Server(SMTP):
    # Mailers of all kinds knock here: longer lines than the standard's thousand are taken, as SES takes them.
    line_length_limit = 65_536


class Inbound:
    """Takes mail for the agents' domain."""

    def __init__(self) -> None:
        self._environ: dict[str, str] = {}
        self._server: asyncio.Server | None = None

    async def start(self, environ: dict[str, str], wanted: str | None) -> int:
        """Listen, on this machine only, and answer the port: the one that is wanted, 2525, or else a free one."""
        self._environ = environ
        loop = asyncio.get_running_loop()

        def server() -> SMTP:
            return _Server(self, hostname="inbound.local", loop=loop, enable_SMTPUTF8=True, data_size_limit=LARGEST)

        try:
            self._server = await loop.create_server(server, "127.0.0.1", int(wanted or _PORT))
        except OSError:
            if wanted:
                raise SystemExit(f"port {wanted} is taken: SMTP_PORT=<another> make run") from None
            self._server = await loop.create_server(server, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def takes(self, address: str) -> bool:
        """Whether an address is in the agents' domain."""
        return address.rpartition("@")[2].lower() == self._environ.get("SWITCHBOARD_AGENTS_DOMAIN", "").lower()

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or refuse one of another domain: this is no relay."""
        if not self.takes(address):
            return f"550 5.7.1 only mail for {self._environ['SWITCHBOARD_AGENTS_DOMAIN']} is taken here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 as above
        """Take a mail."""
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        ses_id = await asyncio.to_thread(self.take, raw, envelope.mail_from or "", list(envelope.rcpt_tos))
        logger.info("mail from %s for %d recipients", session.peer, len(envelope.rcpt_tos))
        return f"250 OK {ses_id}"

    def take(self, raw: bytes, sender: str, recipients: list[str], delay: int = 0) -> str:
        """Store a mail and queue the notice of it, in `delay` seconds. Answers its id."""
        ses_id, at = secrets.token_hex(20), clock.stamp()
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
        return client(self._environ, service)


def verdicts(raw: bytes) -> dict[str, str]:
    """What SES' scanners would say: by the standard test texts, and nothing of who sent it, as nobody here can tell."""
    parsed = parsing.parse(raw)
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
    """What SES tells the topic of a receipt rule's S3 action."""
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
