"""Detects automatic mail. A machine must not answer it, because two machines could answer each other for ever.

Source: RFC 3834.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from switchboard.email.models import BounceReport

#: A mail with more relays than this is probably in a loop.
MAX_HOPS = 25
#: The media types of parts that report the fate of a mail, and of parts that identify the reported mail.
REPORT_TYPES = frozenset({"message/delivery-status"})
REPORTED_MAIL_TYPES = frozenset({"message/rfc822", "text/rfc822-headers", "message/disposition-notification"})
_NO_ANSWER = frozenset({"all", "oof", "autoreply"})
_MACHINES = re.compile(r"(?<![^<\s,\"])(mailer-daemon|postmaster)@", re.IGNORECASE)
_FIELD = re.compile(r"^(action|status|final-recipient|original-recipient):([^\n]*)", re.I | re.M)


def automatic_reason(first: Callable[[str], str], hops: int) -> str | None:
    """Returns the reason why a mail's headers mark it as automatic, `None` if they do not."""

    def word(name: str) -> str:
        return first(name).partition(";")[0].strip().lower()

    reasons = {
        "auto-submitted": word("auto-submitted") not in ("", "no"),
        "precedence": word("precedence") in ("bulk", "junk", "list", "auto_reply"),
        # Only these values forbid automatic answers. Outlook's other values concern receipts.
        "auto-response-suppress": bool(
            {part.strip().lower() for part in first("x-auto-response-suppress").split(",")} & _NO_ANSWER
        ),
        "auto-reply": any(word(name) not in ("", "no") for name in ("x-autoreply", "x-autorespond")),
        "list": bool(first("list-id")),
        "empty-sender": "".join(first("return-path").split()) == "<>",
        "mailer-daemon": bool(_MACHINES.search(first("from"))),
        "hops": hops > MAX_HOPS,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def parse_bounce(report: bytes) -> BounceReport | None:
    """Parses a delivery report (RFC 3464). Returns `None` if it reports neither a failure nor a delay."""
    fields: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(report[:65_536].decode("latin-1").replace("\r", "")):
        fields.setdefault(name.lower(), []).append(value.strip(" \t"))
    action = next(iter(fields.get("action", [])), "").lower()
    if action not in ("failed", "delayed"):
        return None
    status = next(iter(fields.get("status", [])), "")[:40]
    named = fields.get("final-recipient") or fields.get("original-recipient") or []
    recipients = [value.rpartition(";")[2].strip()[:320] for value in named]
    return BounceReport(
        # Without a status code a failure is permanent (RFC 3464).
        hard=action == "failed" and not status.startswith("4"),
        status=status or None,
        recipients=list(dict.fromkeys(recipient for recipient in recipients if "@" in recipient))[:10],
    )
