"""The kinds of webhook, one for each API: the prefix of its ids, its timeout and its retry schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from switchboard.webhooks.models import KindName

#: The delay before each attempt, counted from the previous attempt (Svix's published schedule,
#: docs/contracts/anima.md#webhooks).
STANDARD = tuple(
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
ONE_RETRY = (timedelta(0), timedelta(minutes=5))
#: A delay grows by up to this fraction, at random, so that deliveries that failed together are not retried together.
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of webhook. With `ordered`, the deliveries about a subject arrive in order.

    Without `patient`, retries follow the schedule alone and ignore the receiver's Retry-After.
    """

    name: KindName
    prefix: str
    schedule: tuple[timedelta, ...] = STANDARD
    timeout_ms: int = 15_000
    ordered: bool = False
    patient: bool = True


KINDS: dict[KindName, Kind] = {
    kind.name: kind
    for kind in (
        Kind("anima", "wh"),
        Kind("opticomm", "cb", ordered=True),
        Kind("athos", "wh", schedule=ONE_RETRY, timeout_ms=10_000, patient=False),
        Kind("hum", "wh"),
    )
}
#: The id prefixes of endpoints of ordered kinds.
_ORDERED = tuple(f"{kind.prefix}_" for kind in KINDS.values() if kind.ordered)


def is_ordered(endpoint_id: str) -> bool:
    """Whether an endpoint is of an ordered kind. Its id alone tells this, so a deleted endpoint works too."""
    return endpoint_id.startswith(_ORDERED)
