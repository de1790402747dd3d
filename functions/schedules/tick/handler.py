"""Every minute: what is due until the next one."""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.timers import service as timers

#: Time to leave for the last timer of a minute, in milliseconds.
_RESERVE = 10_000


def handler(_: dict[str, Any], context: Any) -> dict[str, int]:
    """Fire due timers, as many as the function's time allows; the next tick goes on from there."""
    fired = timers.tick(enough=lambda: context.get_remaining_time_in_millis() < _RESERVE)
    telemetry.metric("TimersFired", fired)
    return {"fired": fired}
