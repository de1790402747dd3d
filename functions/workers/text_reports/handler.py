"""Applies the reports of carriers about texts: texts that came in, and the status of texts of ours."""

from __future__ import annotations

from typing import Any

from switchboard import workers
from switchboard.campaigns import counts
from switchboard.carriers.messages.ports.reports import IncomingText, parse_text_report
from switchboard.messaging import incoming, reports


def apply_report(body: dict[str, Any]) -> None:
    """Applies one report."""
    report = parse_text_report(body)
    if isinstance(report, IncomingText):
        incoming.receive_text(report)
    else:
        # The recipient of a campaign counts in the same commit as its text.
        reports.apply_report(report, counts.status_writes)


handler = workers.message_handler(apply_report)
