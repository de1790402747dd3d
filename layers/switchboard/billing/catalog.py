"""The plans on sale, and the cost of use beyond a plan (docs/contracts/anima.md#plans).

The minutes, segments and numbers that a plan includes cover the dearest ones first. So the cost does not depend on the
order in which they were used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PLANS, PlanName
from switchboard.errors import Conflict
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT, Meter

#: The monthly prices of the plans on sale, in cents.
PRICES_CENTS = {PlanName.STARTER: 2_900, PlanName.GROWTH: 9_900, PlanName.SCALE: 24_900}
#: The meters that are billed beyond what a plan includes, the dearest of each kind first.
_MINUTES = (Meter.VOICE_PREMIUM, Meter.VOICE_BASIC)
_SEGMENTS = (Meter.SMS_TOLL_FREE, Meter.SMS)
_NUMBERS = (Meter.NUMBER_TOLL_FREE, Meter.NUMBER_LOCAL)
BILLED_METERS = (*_MINUTES, *_SEGMENTS, *_NUMBERS)
#: The gauges that a plan limits, with the words for them.
_LIMITED = (("numbers", "telephone numbers"), ("agents", "agents"))


class Included(NamedTuple):
    """The monthly minutes, segments and numbers that a plan includes. `None` means that all of them are included."""

    minutes: int | None
    sms: int | None
    numbers: int | None


@dataclass(frozen=True)
class PlanOnSale:
    """A plan that can be subscribed to."""

    id: PlanName
    price_cents: int
    included: Included


def included_in(plan: PlanName) -> Included:
    """Returns what a plan includes."""
    terms = PLANS[plan]
    return Included(terms.voice_minutes_per_month, terms.text_segments_per_month, terms.numbers_included)


def plans_on_sale() -> list[PlanOnSale]:
    """Returns the plans on sale, smallest first."""
    return [PlanOnSale(plan, cents, included_in(plan)) for plan, cents in PRICES_CENTS.items()]


def require_plan_fits(org: Organization, plan: PlanName) -> None:
    """Raises Conflict with `plan_too_small` for a plan that is too small for the numbers and agents there are."""
    terms = org.model_copy(update={"plan": plan}).terms
    too_many = {}
    for gauge, words in _LIMITED:
        limit, used = getattr(terms, gauge), organizations.get_gauge(org.id, gauge)
        if limit is not None and used > limit:
            too_many[gauge] = f"{used} {words}, and the plan {plan.value} allows {limit}: remove {used - limit}"
    if too_many:
        raise Conflict(
            f"The plan {plan.value} is too small for what the organization has: see the fields for what to remove.",
            code="plan_too_small",
            fields=too_many,
        )


def overage_units(included: Included, units: Mapping[str, int]) -> dict[Meter, int]:
    """Returns the units of each billed meter beyond what is included, from the units of a month by meter."""
    over: dict[Meter, int] = {}
    for meters, free in ((_MINUTES, included.minutes), (_SEGMENTS, included.sms), (_NUMBERS, included.numbers)):
        left = free
        for meter in meters:
            used = max(0, units.get(meter.value, 0))
            covered = used if left is None else min(used, left)
            left = None if left is None else left - covered
            over[meter] = used - covered
    return over


def overage_cents(included: Included, units: Mapping[str, int]) -> int:
    """Returns the cost of the units beyond what is included, in cents, rounded down."""
    micros = sum(usage.price_micros(meter) * count for meter, count in overage_units(included, units).items())
    return micros // MICROS_PER_CENT
