"""Mail that a machine wrote: what no machine may answer, or two of them never stop (RFC 3834)."""

from __future__ import annotations

import re
from collections.abc import Callable

from switchboard.email.models import Bounce

#: So many relays in a row mean that a mail goes round in a circle.
MAX_HOPS = 25
#: The parts in which a report says what became of a mail, and those that name the mail.
REPORTS = frozenset({"message/delivery-status"})
REPORTED = frozenset({"message/rfc822", "text/rfc822-headers", "message/disposition-notification"})
_NO_ANSWER = frozenset({"all", "oof", "autoreply"})
_MACHINES = re.compile(r"(?<![^<\s,\"])(mailer-daemon|postmaster)@", re.IGNORECASE)
_FIELD = re.compile(r"^(action|status|final-recipient|original-recipient):([^\n]*)", re.I | re.M)


def by_headers(first: Callable[[str], str], hops: int) -> str | None:
    """Why a mail counts as automatic, by its headers; `None` if it does not."""

    def word(name: str) -> str:
        return first(name).partition(";")[0].strip().lower()

    reasons = {
        "auto-submitted": word("auto-submitted") not in ("", "no"),
        "precedence": word("precedence") in ("bulk", "junk", "list", "auto_reply"),
        # It asks for no answer of a machine only by these: Outlook's other words are about receipts.
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


def bounce(report: bytes) -> Bounce | None:
    """What a delivery report (RFC 3464) says; `None` for one that tells of no failure or delay."""
    fields: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(report[:65_536].decode("latin-1").replace("\r", "")):
        fields.setdefault(name.lower(), []).append(value.strip(" \t"))
    action = next(iter(fields.get("action", [])), "").lower()
    if action not in ("failed", "delayed"):
        return None
    status = next(iter(fields.get("status", [])), "")[:40]
    named = fields.get("final-recipient") or fields.get("original-recipient") or []
    recipients = [value.rpartition(";")[2].strip()[:320] for value in named]
    return Bounce(
        # Without a status code a failure is for good: so RFC 3464 means it.
        hard=action == "failed" and not status.startswith("4"),
        status=status or None,
        recipients=list(dict.fromkeys(recipient for recipient in recipients if "@" in recipient))[:10],
    )
