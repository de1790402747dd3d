"""What voice providers report of calls: ringing, answered, what was said, ended."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.calls import dialing
from switchboard.calls.models import Progress


def apply(body: dict[str, Any]) -> None:
    """Apply one report."""
    dialing.apply(Progress.model_validate(body))


handler = consumer.messages(apply)
