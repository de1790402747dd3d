"""Plans: what each allows. Figures from the price list of the Anima contract's era (docs/contracts/anima.md#plans)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PlanName(StrEnum):
    """The plans, smallest first."""

    FREE = "free"
    STARTER = "starter"
    GROWTH = "growth"
    SCALE = "scale"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan's limits; `None` is no limit.

    `concurrent_calls` is how many calls may be under way at once, `calls_per_second` how many may be dialled in a
    second, over all numbers of the organization. Enterprise's figures are where no others are agreed on.

    `sliced` plans count usage in leased slices instead of one item. One item takes part in one transaction at a time:
    by a model of their conflicts, a hundred spendings a second on one item already end in a refusal now and then.
    """

    name: PlanName
    requests_per_minute: int
    requests_per_second: int
    agents: int | None
    emails_per_month: int | None
    basic_calls_per_day: int
    premium_calls_per_day: int
    concurrent_calls: int
    calls_per_second: int
    roleplays_per_month: int | None
    sliced: bool = False


_PLANS = {
    plan.name: plan
    for plan in (
        Plan(
            PlanName.FREE,
            60,
            100,
            agents=3,
            emails_per_month=3_000,
            basic_calls_per_day=20,
            premium_calls_per_day=0,
            concurrent_calls=1,
            calls_per_second=1,
            roleplays_per_month=10,
        ),
        Plan(
            PlanName.STARTER,
            600,
            100,
            agents=25,
            emails_per_month=25_000,
            basic_calls_per_day=50,
            premium_calls_per_day=10,
            concurrent_calls=5,
            calls_per_second=2,
            roleplays_per_month=100,
        ),
        Plan(
            PlanName.GROWTH,
            3_000,
            500,
            agents=100,
            emails_per_month=250_000,
            basic_calls_per_day=200,
            premium_calls_per_day=50,
            concurrent_calls=25,
            calls_per_second=5,
            roleplays_per_month=1_000,
            sliced=True,
        ),
        Plan(
            PlanName.SCALE,
            12_000,
            2_000,
            agents=500,
            emails_per_month=1_000_000,
            basic_calls_per_day=1_000,
            premium_calls_per_day=250,
            concurrent_calls=100,
            calls_per_second=20,
            roleplays_per_month=10_000,
            sliced=True,
        ),
        Plan(
            PlanName.ENTERPRISE,
            60_000,
            10_000,
            agents=None,
            emails_per_month=None,
            basic_calls_per_day=5_000,
            premium_calls_per_day=1_000,
            concurrent_calls=250,
            calls_per_second=50,
            roleplays_per_month=None,
            sliced=True,
        ),
    )
}


def plan(name: PlanName) -> Plan:
    """The plan of that name."""
    return _PLANS[name]
