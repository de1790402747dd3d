"""The times of retries, and the time when a delivery is given up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from switchboard.kit import clock
from switchboard.kit.chance import fraction
from switchboard.webhooks.kinds import JITTER, WEBHOOK_KINDS
from switchboard.webhooks.models import Delivery, Endpoint

#: The longest that a receiver may ask us to wait.
MAX_RETRY_AFTER = timedelta(hours=24)
#: How long a due attempt may be postponed at least. It exceeds the longest time that a breaker stays open at once.
MIN_PATIENCE = timedelta(hours=1)
_PAUSES = [MAX_RETRY_AFTER, *(pause for kind in WEBHOOK_KINDS.values() for pause in kind.schedule)]
#: The longest pause between two attempts of a delivery, by any schedule or by Retry-After.
MAX_PAUSE = max(_PAUSES) * (1 + JITTER) + MIN_PATIENCE

#: Where the jitter comes from. Tests replace it.
jitter_fraction: Callable[[], float] = fraction


def next_wait(endpoint: Endpoint, delivery: Delivery, retry_after: int | None) -> timedelta | None:
    """How long to wait after the attempt that has just failed; `None` if it was the last attempt.

    The receiver's `retry_after`, in seconds, counts if it is longer than the schedule's delay.
    """
    kind = WEBHOOK_KINDS[endpoint.kind]
    schedule = kind.schedule
    done = delivery.tries + 1
    if done >= min(len(schedule), endpoint.max_attempts):
        return None
    wait = schedule[done] * (1 + JITTER * jitter_fraction())
    asked = timedelta(seconds=retry_after or 0) if kind.patient else timedelta(0)
    return max(wait, min(asked, MAX_RETRY_AFTER))


def ends_at(endpoint: Endpoint, delivery: Delivery) -> datetime:
    """When a postponed delivery is given up: at the end of its schedule, but at least PATIENCE after it was due."""
    schedule = WEBHOOK_KINDS[endpoint.kind].schedule
    set_off = clock.parse(delivery.set_off_at or delivery.created_at)
    last = set_off + sum(schedule[: endpoint.max_attempts], timedelta()) * (1 + JITTER)
    due = clock.parse(delivery.next_attempt_at) if delivery.next_attempt_at else set_off
    return max(last, due + MIN_PATIENCE)


def is_overdue(delivery: Delivery) -> bool:
    """Whether the next attempt should have been made more than PATIENCE ago."""
    return clock.now() > clock.parse(delivery.next_attempt_at or delivery.created_at) + MIN_PATIENCE
