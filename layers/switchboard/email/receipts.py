"""Parses SES's notice about a received mail: its envelope, its verdicts, and the key of the stored mail.

SES writes the mail to S3 and then publishes a notice to a topic. We use this notice instead of S3's own, because only
this one has the envelope, which names blind copies, and verdicts that no sender can forge.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from switchboard.kit import clock

_VERDICTS = ("spam", "virus", "spf", "dkim", "dmarc")
_FAILED = "FAIL"


@dataclass(frozen=True, slots=True)
class InboundReceipt:
    """SES's facts about a mail. `sender` is the envelope's: "" means nobody (a report), `None` unknown."""

    ses_id: str
    key: str
    received_at: str
    sender: str | None
    recipients: list[str]
    verdicts: dict[str, str] = field(default_factory=dict)

    @property
    def is_spam(self) -> bool:
        """Whether the mail gets the label `spam`: for a spam verdict or a virus."""
        return _FAILED in (self.verdicts.get("spam"), self.verdicts.get("virus"))

    @property
    def has_virus(self) -> bool:
        """Whether the mail has a virus, so that its files must not be stored."""
        return self.verdicts.get("virus") == _FAILED


def parse_receipt(notice: dict[str, Any]) -> InboundReceipt | None:
    """Returns the receipt of a notice, `None` if the notice is not about received mail."""
    receipt, mail = notice.get("receipt", {}), notice.get("mail", {})
    key = receipt.get("action", {}).get("objectKey")
    if notice.get("notificationType") != "Received" or not key:
        return None
    source = mail.get("source")
    return InboundReceipt(
        ses_id=mail["messageId"],
        key=key,
        received_at=_moment(mail.get("timestamp") or receipt.get("timestamp")),
        sender=None if source is None else source.strip("<> "),
        recipients=receipt.get("recipients", []),
        verdicts={name: found for name in _VERDICTS if (found := receipt.get(f"{name}Verdict", {}).get("status"))},
    )


def _moment(text: str | None) -> str:
    try:
        return clock.format_iso(clock.parse(text or ""))
    except ValueError:
        # Use a fixed time: message ids are derived from it and must be the same if the notice is repeated.
        return "1970-01-01T00:00:00.000Z"
