"""Numbers of an organization that has stopped paying: mails, 30 days, and the release."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.aws import queues
from switchboard.billing import number_release, subscriptions
from switchboard.billing.jobs import ReleaseNumbers
from switchboard.carriers.numbers import get_inventory
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.carriers.outcomes import OutcomeUnknownError
from switchboard.flows import assignments
from switchboard.kit import clock
from switchboard.numbers import available
from switchboard.numbers import service as numbers
from switchboard.numbers.purchases import NumberOrder
from switchboard.timers import store as timer_store
from tests.actors import member, tenant
from tests.integration.sabotage import Later, send_due
from tests.unit.billing.customer import Customer


@pytest.fixture
def acme(acme: Customer, frozen: clock.FrozenClock) -> Customer:
    """An organization with a subscription and three numbers."""
    timer_store.advance_watermark(clock.now_iso()[:16])
    acme.subscribe()
    for found in available.search_available_numbers(NumberSearch(limit=3)):
        frozen.advance(seconds=1)
        assignments.buy_number(acme.tenant.caller(master=True), NumberOrder(found.number.e164))
    return acme


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    held = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", held)
    return held


def owned(acme: Customer) -> list[str]:
    """The organization's numbers in the order of their purchase. The provider has the same."""
    active = [number for number in numbers.list_numbers(acme.org.id) if number.active]
    assert {number.e164 for number in active} == {one.e164 for one in get_inventory().list_owned(acme.org.id)}
    return [number.e164 for number in sorted(active, key=lambda one: one.created_at)]


def run_job(acme: Customer) -> None:
    """Runs the job of the account, as its timer does."""
    due = acme.account.numbers_due_at
    assert due
    number_release.release_numbers(ReleaseNumbers(org_id=acme.org.id, due_at=due))


def told(acme: Customer) -> list[str]:
    return [subject for subject in acme.mails() if "released" in subject]


def test_the_numbers_of_an_ended_subscription_are_released_after_mails(
    acme: Customer, frozen: clock.FrozenClock
) -> None:
    bought = owned(acme)
    acme.deliver(acme.end())
    day = clock.format_iso(clock.now() + timedelta(days=30))[:10]
    letters = []
    for days in (0, 23, 6):
        frozen.advance(days=days)
        run_job(acme)
        run_job(acme)
        letters.append(len(told(acme)))
        assert owned(acme) == bought
    assert letters == [1, 2, 3]
    assert told(acme) == [f"Telephone numbers of Acme are released on {day}"] * 3
    frozen.advance(days=1)
    run_job(acme)
    assert owned(acme) == bought[:1], "the oldest number stays, as the free plan includes it"
    assert sorted(told(acme))[3:] == sorted(f"The telephone number {e164} was released" for e164 in bought[1:])
    assert (acme.account.numbers_due_at, acme.account.numbers_timer) == (None, None)


def test_timers_do_it_by_themselves(acme: Customer, frozen: clock.FrozenClock, later: Later) -> None:
    acme.deliver(acme.end())
    letters = []
    for days in (0, 22, 1, 6, 1):
        frozen.advance(days=days)
        # The ticks of the days between found nothing.
        timer_store.advance_watermark(clock.format_iso(clock.now() - timedelta(minutes=5))[:16])
        send_due(later, "workers/numbers")
        letters.append(len(told(acme)))
    assert letters == [1, 1, 2, 3, 5]
    assert len(owned(acme)) == 1


def test_a_new_subscription_keeps_them(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.deliver(acme.end())
    job = ReleaseNumbers(org_id=acme.org.id, due_at=acme.account.numbers_due_at or "")
    frozen.advance(days=29)
    acme.subscribe()
    assert acme.account.numbers_due_at is None
    frozen.advance(days=2)
    number_release.release_numbers(job)
    assert len(owned(acme)) == 3


def test_an_operators_plan_keeps_them(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.deliver(acme.end())
    organizations.set_plan(acme.tenant.caller(master=True), PlanName.GROWTH)
    frozen.advance(days=31)
    run_job(acme)
    assert len(owned(acme)) == 3
    assert acme.account.numbers_due_at is None


def test_a_plan_of_an_operator_at_the_end_plans_no_release(acme: Customer) -> None:
    organizations.set_plan(acme.tenant.caller(master=True), PlanName.ENTERPRISE)
    acme.deliver(acme.end())
    assert acme.account.numbers_due_at is None


def test_a_suspended_subscription_loses_them_too_and_a_payment_ends_that(
    acme: Customer, frozen: clock.FrozenClock
) -> None:
    acme.fail_to_pay()
    for _ in range(3):
        frozen.advance(days=4)
        subscriptions.check_payment(acme.org.id)
    assert acme.state == ("suspended", "growth", True)
    due = acme.account.numbers_due_at
    assert due
    acme.deliver(acme.mend_card())
    assert (acme.state, acme.account.numbers_due_at) == (("active", "growth", False), None)


def test_a_silent_provider_is_asked_again(
    acme: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.deliver(acme.end())
    frozen.advance(days=31)
    inventory = type(get_inventory())

    def be_silent(*_: Any) -> None:
        raise OutcomeUnknownError("timeout")

    with monkeypatch.context() as silent:
        silent.setattr(inventory, "release", be_silent)
        run_job(acme)
    assert len(owned(acme)) == 3
    run_job(acme)
    assert len(owned(acme)) == 1


def test_an_organization_within_the_free_plan_gets_no_mail(payments: None, frozen: clock.FrozenClock) -> None:
    small = Customer(tenant(plan=PlanName.FREE))
    member(small.tenant.org_id)
    small.subscribe()
    small.deliver(small.end())
    assert small.account.numbers_due_at is None
