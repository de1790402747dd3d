"""The kinds of webhook, one for each API: the prefix of its ids, its timeout and its retry schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from switchboard.webhooks.models import KindName

#: The delay before each attempt, counted from the previous attempt (Svix's published schedule,
#: docs/contracts/anima.md#webhooks).
STANDARD_SCHEDULE = tuple(
    timedelta(**delay)
    for delay in (
        {"seconds": 0},
        {"seconds": 5},
        {"minutes": 5},
        {"minutes": 30},
        *({"hours": hours} for hours in (2, 5, 10, 14, 20, 24)),
    )
)
#: One retry, about five minutes later (docs/contracts/athos.md#webhook).
ONE_RETRY_SCHEDULE = (timedelta(0), timedelta(minutes=5))
#: A delay grows by up to this fraction, at random, so that deliveries that failed together are not retried together.
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class WebhookKind:
    """A kind of webhook. With `ordered`, the deliveries about a subject arrive in order.

    Without `patient`, retries follow the schedule alone and ignore the receiver's Retry-After.
    """

    name: KindName
    prefix: str
    schedule: tuple[timedelta, ...] = STANDARD_SCHEDULE
    timeout_ms: int = 15_000
    ordered: bool = False
    patient: bool = True


WEBHOOK_KINDS: dict[KindName, WebhookKind] = {
    kind.name: kind
    for kind in (
        WebhookKind("anima", "wh"),
        WebhookKind("opticomm", "cb", ordered=True),
        WebhookKind("athos", "wh", schedule=ONE_RETRY_SCHEDULE, timeout_ms=10_000, patient=False),
        WebhookKind("hum", "wh"),
    )
}
#: The id prefixes of endpoints of ordered kinds.
_ORDERED = tuple(f"{kind.prefix}_" for kind in WEBHOOK_KINDS.values() if kind.ordered)


def is_ordered(endpoint_id: str) -> bool:
    """Whether an endpoint is of an ordered kind. Its id alone tells this, so a deleted endpoint works too."""
    return endpoint_id.startswith(_ORDERED)
