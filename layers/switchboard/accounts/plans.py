"""The plans and their limits. The figures come from Anima's price list (docs/contracts/anima.md#plans)."""

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
    """A plan's limits. `None` means no limit.

    `concurrent_calls` limits the calls in progress at one time. `calls_per_second` limits the calls dialed per second,
    over all numbers of the organization. `numbers` limits its telephone numbers. The figures of Enterprise are defaults
    for the limits that are not negotiated.

    `text_segments_per_month` limits the segments of texts that go out.

    `voice_minutes_per_month` are the minutes of calls that the price includes, basic and premium together, and
    `numbers_included` the telephone numbers. Use beyond them costs its price, if `has_overage`. Nobody pays for the use
    of a plan without overage, so there they are limits.

    `registrations_per_month` limits the submissions of brands and campaigns, because each costs the platform a fee.

    `first_month_cents` is the most that the use of a new payer may cost in a month at list prices: what the price
    includes, at the dearest, and about twice the price beyond it. A stolen card pays a month's price, and nothing
    later.

    `sliced` plans count usage in leased slices instead of one item, because one item takes part in one transaction at
    a time. In a model of these conflicts, 100 transactions per second on one item already cause some refusals.
    """

    name: PlanName
    requests_per_minute: int
    requests_per_second: int
    agents: int | None
    emails_per_month: int | None
    text_segments_per_month: int | None
    basic_calls_per_day: int
    premium_calls_per_day: int
    concurrent_calls: int
    calls_per_second: int
    roleplays_per_month: int | None
    voice_minutes_per_month: int | None
    numbers: int | None
    numbers_included: int | None
    registrations_per_month: int | None
    first_month_cents: int | None
    sliced: bool = False
    has_overage: bool = True


PLANS = {
    plan.name: plan
    for plan in (
        Plan(
            PlanName.FREE,
            60,
            100,
            agents=3,
            emails_per_month=3_000,
            text_segments_per_month=10,
            basic_calls_per_day=20,
            premium_calls_per_day=0,
            concurrent_calls=1,
            calls_per_second=1,
            roleplays_per_month=10,
            voice_minutes_per_month=10,
            numbers=3,
            numbers_included=1,
            registrations_per_month=0,
            first_month_cents=None,
            has_overage=False,
        ),
        Plan(
            PlanName.STARTER,
            600,
            100,
            agents=25,
            emails_per_month=25_000,
            text_segments_per_month=500,
            basic_calls_per_day=50,
            premium_calls_per_day=10,
            concurrent_calls=5,
            calls_per_second=2,
            roleplays_per_month=100,
            voice_minutes_per_month=110,
            numbers=25,
            numbers_included=1,
            registrations_per_month=5,
            first_month_cents=8_700,
        ),
        Plan(
            PlanName.GROWTH,
            3_000,
            500,
            agents=100,
            emails_per_month=250_000,
            text_segments_per_month=5_000,
            basic_calls_per_day=200,
            premium_calls_per_day=50,
            concurrent_calls=25,
            calls_per_second=5,
            roleplays_per_month=1_000,
            voice_minutes_per_month=600,
            numbers=250,
            numbers_included=3,
            registrations_per_month=10,
            first_month_cents=39_700,
            sliced=True,
        ),
        Plan(
            PlanName.SCALE,
            12_000,
            2_000,
            agents=500,
            emails_per_month=1_000_000,
            text_segments_per_month=25_000,
            basic_calls_per_day=1_000,
            premium_calls_per_day=250,
            concurrent_calls=100,
            calls_per_second=20,
            roleplays_per_month=10_000,
            voice_minutes_per_month=1_800,
            numbers=1_000,
            numbers_included=10,
            registrations_per_month=25,
            first_month_cents=129_800,
            sliced=True,
        ),
        Plan(
            PlanName.ENTERPRISE,
            60_000,
            10_000,
            agents=None,
            emails_per_month=None,
            text_segments_per_month=None,
            basic_calls_per_day=5_000,
            premium_calls_per_day=1_000,
            concurrent_calls=250,
            calls_per_second=50,
            roleplays_per_month=None,
            voice_minutes_per_month=None,
            numbers=None,
            numbers_included=None,
            registrations_per_month=None,
            first_month_cents=None,
            sliced=True,
        ),
    )
}
