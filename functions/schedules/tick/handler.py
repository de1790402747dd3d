"""Runs every minute: passes the timers that are due before the next tick to the workers that fire them."""

from __future__ import annotations

from typing import Any

from switchboard.timers import service as timers


def handler(_: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 EventBridge passes a context
    """Dispatches the minutes since the last tick."""
    return {"jobs": timers.run_tick()}
