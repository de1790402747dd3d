"""Applies reports of voice providers to calls: ringing, answered, turns, ended."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.calls import following
from switchboard.carriers.voice.reports import Report


def apply(body: dict[str, Any]) -> None:
    """Apply one report."""
    following.apply(Report.model_validate(body))


handler = consumer.messages(apply)
