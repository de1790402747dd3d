"""The kinds of webhook: how each is signed, how long it waits for an answer, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from switchboard.webhooks.models import KindName

#: Delays before each attempt, counted from the one before (docs/contracts/common.md#webhooks).
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
#: A delay is stretched by up to this part of itself, so that what failed together does not come again together.
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of webhook. In an `ordered` one, what is told of a subject arrives in its order.

    One that is not `patient` is tried again by its schedule alone, whatever the receiver's Retry-After says.
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
        # The contract has one retry, about five minutes later.
        Kind("athos", "wh", schedule=ONE_RETRY, timeout_ms=10_000, patient=False),
        Kind("hum", "wh"),
    )
}
#: How the ids of an ordered kind's endpoints begin.
_ORDERED = tuple(f"{kind.prefix}_" for kind in KINDS.values() if kind.ordered)


def is_ordered(endpoint_id: str) -> bool:
    """Whether an endpoint is of an ordered kind. Its id says so, also when it was deleted."""
    return endpoint_id.startswith(_ORDERED)
