"""The rent of bought numbers: the price of each month after the first, which the purchase charged.

A timer charges each month in one commit, which also schedules the next month. So a month is charged once, however often
its job comes. After an outage each job charges one month, and the next job follows at once. The provider charges the
platform regardless of the organization's limits, so no limit refuses rent. The next purchase meets the limit instead.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws.writes import Writes
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, SystemActor
from switchboard.kit import clock, ids, texts
from switchboard.numbers import pricing, store
from switchboard.numbers.jobs import ChargeRent
from switchboard.numbers.models import Number, NumberRent
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers
from switchboard.timers.service import ScheduledJob
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT

#: The event of a purchase is this much younger than its number at most.
_EVENT_DELAY = timedelta(minutes=1)


def due_of_month(since: str, month: int) -> datetime:
    """Returns when the given month after a purchase begins, in UTC. Month 1 is the first that rent pays for.

    The day is the day of the purchase, or the last day of a shorter month.
    """
    begun = clock.parse(since)
    years, place = divmod(begun.month - 1 + month, 12)
    year = begun.year + years
    return begun.replace(year=year, month=place + 1, day=min(begun.day, monthrange(year, place + 1)[1]))


def begin_rent(number: Number, since: str, months: int = 0) -> tuple[Number, Writes]:
    """Returns a number with its rent, and the write that schedules the first charge.

    `since` is the time of the purchase, and `months` the count of months after the first that are not charged.
    """
    rent = NumberRent(since=since, months=months)
    timer = _schedule_next(number, rent)
    return number.model_copy(update={"rent": rent.model_copy(update={"timer": timer.ref})}), timer.write


def end_rent(number: Number) -> tuple[Number, list[Writes]]:
    """Returns a number that is released now, and the writes that delete its timer.

    A late timer stays if its month began before the release, because the provider has charged that month.
    """
    if number.rent is None:
        return number, []
    ended = number.rent.model_copy(update={"ended_at": clock.now_iso()})
    if _is_owed(ended):
        return number.model_copy(update={"rent": ended}), []
    moot = timers.cancel_writes(ended.timer)
    return number.model_copy(update={"rent": ended.model_copy(update={"timer": None})}), [moot]


def charge_rent(org_id: str, number_id: str, month: int) -> None:
    """Charges a month of a number, and schedules the next month. A second run finds the month charged."""
    org = organizations.get_organization(org_id)

    def decide(before: Number) -> Decision[Number]:
        rent = before.rent
        if rent is None or month != rent.months + 1:
            telemetry.log_skip("the month is charged", number_id=number_id, month=month)
            return None
        if not _is_owed(rent):
            telemetry.log_skip("the number was released", number_id=number_id, month=month)
            return None
        paid = rent.model_copy(update={"months": month, "timer": None})
        following = _schedule_next(before, paid) if _is_owed(paid) else None
        paid = paid.model_copy(update={"timer": following.ref if following else None})
        # For its owner the number stays as it is, so `updated_at` stays too.
        after = before.model_copy(update={"rent": paid, "version": before.version + 1})
        begins = clock.format_iso(due_of_month(rent.since, month))
        meter, cents = pricing.price_of_number(before.e164).meter, before.monthly_cost_cents
        return after, [
            usage.owed_write(org, meter, 1, cents * MICROS_PER_CENT, begins[:7]),
            events.new_event_write(
                _rent_origin(org_id),
                "number.rent_charged",
                Subject(type="number", id=number_id, version=after.version),
                number=texts.digest(before.e164),
                cost_cents=cents,
                period=begins[:7],
                begins=begins,
            ),
            following.write if following else None,
        ]

    store.NUMBERS.change_object(org_id, number_id, decide)


def begin_missing_rents(origin: Origin) -> list[Number]:
    """Begins the rent of the organization's bought numbers that have none. Returns them.

    They were bought before the platform charged rent. Their first charge is the next month that begins: past months
    stay free.
    """
    begun = []
    for number in store.list_numbers(origin.org_id):
        if number.active and number.rent is None and _was_bought(number):
            changed = _begin_missing_rent(origin, number)
            begun += [changed] if changed else []
    return begun


def _begin_missing_rent(origin: Origin, number: Number) -> Number | None:
    def decide(before: Number) -> Decision[Number]:
        if not before.active or before.rent is not None:
            return None
        months = 0
        while due_of_month(before.created_at, months + 1) <= clock.now():
            months += 1
        after, timer_write = begin_rent(next_version(before), before.created_at, months)
        event_write = events.new_event_write(
            origin,
            "number.rent_begun",
            Subject(type="number", id=before.id, version=after.version),
            number=texts.digest(before.e164),
            cost_cents=before.monthly_cost_cents,
            begins=find_next_due(after),
        )
        return after, [timer_write, event_write]

    return store.NUMBERS.change_object(number.org_id, number.id, decide)


def _was_bought(number: Number) -> bool:
    """Whether the platform bought the number. Its owner may also have registered it, which charges nothing."""
    until = clock.format_iso(clock.parse(number.created_at) + _EVENT_DELAY)
    return any(
        event.type == "number.bought" and event.subject.id == number.id
        for event in events.events_between(number.created_at, until, number.org_id)
    )


def find_next_due(number: Number) -> str | None:
    """Returns when the next month of a number is charged, `None` if no month is."""
    return _next_due(number.rent) if number.rent and _is_owed(number.rent) else None


def _next_due(rent: NumberRent) -> str:
    return clock.format_iso(due_of_month(rent.since, rent.months + 1))


def _is_owed(rent: NumberRent) -> bool:
    """Whether the next month of a rent begins before the end of the rent."""
    return rent.ended_at is None or _next_due(rent) < rent.ended_at


def _schedule_next(number: Number, rent: NumberRent) -> ScheduledJob:
    month = rent.months + 1
    job = ChargeRent(org_id=number.org_id, number_id=number.id, month=month)
    return timers.schedule(job, clock.parse(_next_due(rent)))


def _rent_origin(org_id: str) -> SystemActor:
    return SystemActor(
        org_id=org_id, actor=Actor(type="system", id="numbers"), agent_id=None, correlation_id=ids.new_id("corr")
    )
