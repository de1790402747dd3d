"""SES' notice that a mail came in: its envelope, its verdicts, and where the mail lies.

SES writes the mail to S3 and then tells a topic of it. That notice is taken, rather than S3's own: it alone has the
envelope, which names blind copies, and the verdicts from a source that no sender can write to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from switchboard.aws import clock

_VERDICTS = ("spam", "virus", "spf", "dkim", "dmarc")
_FAILED = "FAIL"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What SES knows of a mail. `sender` is the envelope's: "" is nobody (a report), `None` is not known."""

    ses_id: str
    key: str
    received_at: str
    sender: str | None
    recipients: list[str]
    verdicts: dict[str, str] = field(default_factory=dict)

    @property
    def is_spam(self) -> bool:
        """Whether it is to be labelled as spam: as such, or for a virus."""
        return _FAILED in (self.verdicts.get("spam"), self.verdicts.get("virus"))

    @property
    def has_virus(self) -> bool:
        """Whether what it brings may not be kept."""
        return self.verdicts.get("virus") == _FAILED


def read(notice: dict[str, Any]) -> Receipt | None:
    """The receipt that a notice holds; `None` for a notice of anything else."""
    receipt, mail = notice.get("receipt", {}), notice.get("mail", {})
    key = receipt.get("action", {}).get("objectKey")
    if notice.get("notificationType") != "Received" or not key:
        return None
    source = mail.get("source")
    return Receipt(
        ses_id=mail["messageId"],
        key=key,
        received_at=_moment(mail.get("timestamp") or receipt.get("timestamp")),
        sender=None if source is None else source.strip("<> "),
        recipients=receipt.get("recipients", []),
        verdicts={name: found for name in _VERDICTS if (found := receipt.get(f"{name}Verdict", {}).get("status"))},
    )


def _moment(text: str | None) -> str:
    try:
        return clock.iso(clock.parse(text or ""))
    except ValueError:
        # Ids are made from it, and have to come out the same when the notice comes again.
        return "1970-01-01T00:00:00.000Z"
