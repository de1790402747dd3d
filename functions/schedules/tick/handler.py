"""Every minute: what is due until the next one is handed to the workers that fire it."""

from __future__ import annotations

from typing import Any

from switchboard.timers import service as timers


def handler(_: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 EventBridge passes it
    """Hand out the minutes since the last tick."""
    return {"jobs": timers.tick()}
