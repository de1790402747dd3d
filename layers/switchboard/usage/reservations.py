"""Reserves an amount of a day's cap before its use, and settles the real amount after it.

A reservation counts like spending, so a cap holds while many uses run at the same time. A day is one item:
uses within different caps share it, and slices would lend what a smaller cap no longer has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from switchboard.aws.writes import Update
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.usage import charges, store
from switchboard.usage.charges import Charge
from switchboard.usage.models import MICROS_PER_CENT
from switchboard.usage.store import Book

#: The time that the counters of a day are kept after it.
_DAYS_KEPT = timedelta(days=35)
_COUNTED = "counted"


class ReservedDay(NamedTuple):
    """The uses of a day: those that are over, their length and cost, and what counts towards the cap."""

    uses: int
    seconds: int
    spent_micros: int
    counted_micros: int


def _book(org_id: str, purpose: str, day: str) -> Book:
    return Book(org_id, f"{day}#reserved#{purpose}", int((clock.now() + _DAYS_KEPT).timestamp()))


def reservation_charge(
    org_id: str, purpose: str, day: str, micros: int, cap_cents: int | None, refusal_text: str
) -> Charge:
    """Returns the charge that reserves an amount within a day's cap. `None` means no cap."""

    def refusal(_: str, current: int) -> QuotaExceeded:
        return QuotaExceeded(
            refusal_text, code="daily_spend_cap", resource=purpose, current=current // MICROS_PER_CENT, cap=cap_cents
        )

    limits = {} if cap_cents is None else {_COUNTED: cap_cents * MICROS_PER_CENT}
    return Charge(_book(org_id, purpose, day), {_COUNTED: micros}, limits, refusal, sliced=False)


def settlement_write(
    org_id: str, purpose: str, day: str, reserved_micros: int, cost_micros: int, seconds: int
) -> Update:
    """Returns the write that replaces a reservation by the real use. Commit it with the change that makes it once."""
    used = {_COUNTED: cost_micros - reserved_micros, "spent": cost_micros, "seconds": seconds, "uses": 1}
    return charges.unconditional_charge_write(Charge(_book(org_id, purpose, day), used, {}, _no_limit, sliced=False))


def _no_limit(counter: str, current: int) -> QuotaExceeded:
    raise AssertionError(f"{counter} has no limit here, and {current} of it cannot be too many")


def list_days(org_id: str, purpose: str, days: Sequence[str]) -> list[ReservedDay]:
    """Returns the uses of up to a hundred days, in their order."""
    totals = store.get_totals(_book(org_id, purpose, day) for day in days)
    return [
        ReservedDay(
            int(total.get("uses", 0)),
            int(total.get("seconds", 0)),
            int(total.get("spent", 0)),
            int(total.get(_COUNTED, 0)),
        )
        for total in totals
    ]
