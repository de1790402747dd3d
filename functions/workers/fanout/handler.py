"""The outbox: from the `activity` table's stream to the queues of those who act on an event, and to due timers."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.aws import queue
from switchboard.events import fanout
from switchboard.events import service as events
from switchboard.timers import service as timers


def hand_on(image: dict[str, Any]) -> None:
    """Hand one new item on, if it is an event or a timer that is due before the next tick."""
    match image.get("outbox"):
        case "event":
            queue.send(fanout.jobs(events.from_item(image)))
        case "timer":
            timers.fire(timers.from_item(image))


handler = consumer.stream(hand_on)
