"""Applies reports of voice providers to calls: ringing, answered, turns, ended."""

from __future__ import annotations

from typing import Any

from switchboard import workers
from switchboard.calls import reports
from switchboard.carriers.voice.ports.reports import Report


def apply_report(body: dict[str, Any]) -> None:
    """Applies one report."""
    reports.apply_report(Report.model_validate(body))


handler = workers.message_handler(apply_report)
