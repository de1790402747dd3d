"""Billing under faults: notifications in every order and twice, and kills between any two AWS calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count, permutations
from typing import Any

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.aws import queues
from switchboard.billing import service, use_reports
from switchboard.billing.jobs import ReportUse
from switchboard.errors import Conflict
from switchboard.kit import clock
from switchboard.timers import store as timer_store
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import tenant
from tests.integration.sabotage import Later, Sabotage, run_worker, send_due
from tests.unit.billing.customer import Customer, payments

__all__ = ["payments"]

pytestmark = pytest.mark.usefixtures("payments", "frozen")


@pytest.fixture
def later(payments: None, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Later:
    timer_store.advance_watermark(clock.now_iso()[:16])
    held = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", held)
    return held


@pytest.fixture
def saboteur(payments: None) -> Sabotage:
    return Sabotage()


def kill_everywhere(
    saboteur: Sabotage, prepare: Callable[[], Customer], act: Callable[[Customer], Any]
) -> Iterator[Customer]:
    """Kills an act one AWS call later in each round, until it survives. Yields the customer of each round."""
    for done in count():
        acme, finished = prepare(), []
        with saboteur.killing(after=done):
            act(acme)
            finished.append(True)
        yield acme
        if finished:
            assert done > 1, "the act makes AWS calls, and was killed between them"
            return


_names = count()


def newcomer() -> Customer:
    """An organization of its own on the free plan, with the address of its owner."""
    made = Customer(tenant(f"acme-{next(_names)}", PlanName.FREE))
    made.change(billing_email="money@acme.example")
    return made


def test_every_order_of_six_notifications_each_twice_ends_in_one_state() -> None:
    acme = newcomer()
    told = acme.pay(acme.order())
    told += acme.renew(works=False)
    told += acme.mend_card()[:1]
    for number, order in enumerate(permutations(told)):
        fresh = [json.dumps(json.loads(body) | {"id": f"evt_{number}_{place}"}) for place, body in enumerate(order)]
        acme.deliver([*fresh, *fresh])
        assert acme.state == ("active", "growth", False)
    assert number == 719
    assert len(acme.recorded("billing.subscription_changed")) == 1


def test_every_order_of_the_changes_notifications_while_the_changes_are_made() -> None:
    """After each change any of the notifications so far may come. The last one that comes decides nothing by itself."""
    for order in permutations(range(4)):
        acme = newcomer()
        told = [acme.pay(acme.order())[0], acme.renew(works=False)[1]]
        acme.deliver([told[place] for place in order if place < 2])
        assert acme.state == ("past_due", "growth", False)
        told += [acme.mend_card()[0], acme.end()[0]]
        acme.deliver([told[place] for place in order])
        assert acme.state == ("canceled", "free", False), order


def test_a_notification_that_was_killed_anywhere_is_applied_once(saboteur: Sabotage, later: Later) -> None:
    def subscribe() -> Customer:
        acme = newcomer()
        acme.subscribe(PlanName.STARTER)
        acme.told = acme.renew(works=False)[:1]
        return acme

    for acme in kill_everywhere(saboteur, subscribe, lambda acme: acme.deliver(acme.told)):
        acme.deliver(acme.told)
        assert acme.state == ("past_due", "starter", False)
        changes = acme.recorded("billing.subscription_changed")
        assert [one["status"] for one in changes][-2:] == ["active", "past_due"]
        assert _mails_of(acme) == 1
        assert acme.account.next_check_at


def _mails_of(acme: Customer) -> int:
    """The number of notices about a failed payment of this organization."""
    return len([1 for subject in acme.mails() if subject == f"A payment for {acme.org.name} failed"])


def test_a_checkout_that_was_killed_anywhere_leaves_one_page(saboteur: Sabotage) -> None:
    for acme in kill_everywhere(saboteur, newcomer, lambda acme: acme.order(PlanName.GROWTH)):
        page = acme.order(PlanName.GROWTH)
        assert [one.id for one in acme.at_provider.checkouts if one.is_open] == [page]
        acme.pay(page)
        with pytest.raises(Conflict):
            acme.order(PlanName.SCALE)


def test_a_page_for_another_plan_that_was_killed_anywhere_leaves_one_page(saboteur: Sabotage) -> None:
    def ordered() -> Customer:
        acme = newcomer()
        acme.order(PlanName.STARTER)
        return acme

    for acme in kill_everywhere(saboteur, ordered, lambda acme: acme.order(PlanName.GROWTH)):
        page = acme.order(PlanName.SCALE)
        assert [one.id for one in acme.at_provider.checkouts if one.is_open] == [page]


def test_two_checkouts_between_any_two_calls_leave_one_page(saboteur: Sabotage) -> None:
    """Another request for another plan runs between any two AWS calls of a request."""
    outcomes = set()
    for place in count():
        acme, met = newcomer(), []

        def meet(acme: Customer = acme, met: list[bool] = met) -> None:
            met.append(True)
            acme.order(PlanName.SCALE)

        try:
            with saboteur.meeting(place, meet):
                acme.order(PlanName.STARTER)
            outcomes.add("opened")
        except Conflict as refused:
            outcomes.add(refused.code)
        if not met:
            break
        assert len([one for one in acme.at_provider.checkouts if one.is_open]) == 1, place
    assert outcomes == {"opened", "checkout_replaced"}


def test_a_change_of_plan_that_was_killed_anywhere_is_made_once(saboteur: Sabotage) -> None:
    def subscribe() -> Customer:
        acme = newcomer()
        acme.subscribe(PlanName.STARTER)
        return acme

    for acme in kill_everywhere(saboteur, subscribe, lambda acme: acme.change(plan=PlanName.SCALE)):
        acme.change(plan=PlanName.SCALE)
        assert acme.state == ("active", "scale", False)
        assert [one.amount_cents for one in acme.at_provider.invoices] == [2_900, 22_000]


def test_a_report_of_use_that_was_killed_anywhere_reports_each_unit_once(
    saboteur: Sabotage, later: Later, frozen: clock.FrozenClock
) -> None:
    def exceed() -> Customer:
        acme = newcomer()
        acme.subscribe(PlanName.STARTER)
        minutes = service.get_summary(acme.org).included.minutes
        assert minutes
        usage.commit_spending(acme.org, Meter.VOICE_BASIC, minutes + 5)
        usage.commit_spending(acme.org, Meter.NUMBER_LOCAL, 3)
        day = clock.now().date()
        due = use_reports.report_time(acme.org.id, day)
        frozen.advance(seconds=(due - clock.now()).total_seconds())
        queues.send_messages([ReportUse(org_id=acme.org.id, day=day.isoformat()).to_message()])
        return acme

    for acme in kill_everywhere(saboteur, exceed, lambda _: run_worker("workers/billing")):
        day = acme.account.use_day
        run_worker("workers/billing")  # the queue brings the job again
        usage.commit_spending(acme.org, Meter.VOICE_BASIC, 1)
        assert day
        queues.send_messages([ReportUse(org_id=acme.org.id, day=day).to_message()])
        run_worker("workers/billing")
        meters: dict[str, int] = {}
        for use in acme.at_provider.uses:
            meters[use.meter] = meters.get(use.meter, 0) + use.units
        assert meters["number_local"] == 2
        assert meters["voice_basic"] in (5, 6), "the last minute may belong to the day before"


def test_the_timers_of_an_unpaid_subscription_move_it_to_the_suspension(
    later: Later, frozen: clock.FrozenClock
) -> None:
    acme = newcomer()
    acme.subscribe()
    acme.fail_to_pay()
    reached = []
    for _ in range(10):
        reached.append(acme.state[0])
        # A tick looks back for six hours at most.
        for _ in range(5):
            frozen.advance(hours=4, minutes=49)
            send_due(later, "workers/billing")
    assert reached == ["past_due", *["grace"] * 7, *["suspended"] * 2]
    assert acme.org.unpaid
