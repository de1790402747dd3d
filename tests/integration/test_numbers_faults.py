"""Numbers under faults: after a kill between any two AWS calls a number is bought, changed, released and charged once,
and its money and its counts are right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any, NoReturn

import pytest

from switchboard.accounts import organizations
from switchboard.aws import queues
from switchboard.aws.dynamodb import decode_item
from switchboard.carriers.numbers import get_inventory
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.flows import assignments, service
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.numbers import purchases, registration, rent, store
from switchboard.numbers import service as numbers
from switchboard.numbers.jobs import ChargeRent
from switchboard.numbers.models import Number
from switchboard.numbers.purchases import NumberOrder
from switchboard.timers import store as timer_store
from tests.actors import Tenant, tenant, with_effect
from tests.integration.sabotage import Killed, Later, Sabotage, Stream, run_worker, scan_items, send_due
from tests.unit.numbers.renting import list_rent_charges, list_rent_timers, set_clock, spent_cents

PRICE = 200


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    timer_store.advance_watermark(clock.now_iso()[:16])
    return tenant()


@pytest.fixture
def flow_id(acme: Tenant) -> str:
    return service.create_flow(acme.caller(master=True), FlowSettings(name="Desk")).id


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    held = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", held)
    return held


@pytest.fixture
def saboteur(flow_id: str) -> Sabotage:
    return Sabotage()


def kill_everywhere(saboteur: Sabotage, prepare: Callable[[], Any], act: Callable[[Any], Any]) -> Iterator[Any]:
    """Kills an act one AWS call later in each round, until it survives. Yields what each round prepared."""
    for done in count():
        given, finished = prepare(), []
        with saboteur.killing(after=done):
            act(given)
            finished.append(True)
        yield given
        if finished:
            assert done > 1, "the act makes AWS calls, and was killed between them"
            return


def die(*_: Any) -> NoReturn:
    raise Killed


def find_number_on_sale() -> str:
    return get_inventory().search(NumberSearch(limit=1))[0].e164


def buy(acme: Tenant, e164: str, flow_id: str) -> Number:
    caller = with_effect(acme.caller(master=True), f"buy {e164}")
    return assignments.buy_number(caller, NumberOrder(e164, "Desk", flow_id), caller.effect)


def count_events(number_id: str) -> Counter[str]:
    """How often each event about a number was recorded."""
    rows = [decode_item(item) for item in scan_items("activity")]
    return Counter(
        str(row["type"]) for row in rows if row.get("outbox") == "event" and dict(row["subject"])["id"] == number_id
    )


def require_right_books(acme: Tenant) -> None:
    """The provider's inventory, our numbers, their count, the money and the timers of rent agree."""
    owned = {one.e164 for one in get_inventory().list_owned(acme.org_id)}
    active = [number for number in numbers.list_numbers(acme.org_id) if number.active]
    assert {number.e164 for number in active} == owned
    assert len(active) == len(owned) == organizations.get_gauge(acme.org_id, "numbers")
    assert spent_cents(acme, clock.now_iso()[:7]) == PRICE * len(numbers.list_numbers(acme.org_id))
    assert all(store.find_holder(number.e164) == (acme.org_id, number.id) for number in active)


def test_a_repeated_request_finishes_a_purchase_that_was_killed_anywhere(
    acme: Tenant, flow_id: str, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    for e164 in kill_everywhere(saboteur, find_number_on_sale, lambda e164: buy(acme, e164, flow_id)):
        frozen.advance(seconds=61)
        number = buy(acme, e164, flow_id)
        assert buy(acme, e164, flow_id) == number
        assert [one.id for one in numbers.list_numbers_of_flow(acme.org_id, flow_id)].count(number.id) == 1
        assert count_events(number.id) == {"number.purchase_started": 1, "number.bought": 1}
        assert len(list_rent_timers(number.id)) == 1
        require_right_books(acme)


def test_a_timer_settles_a_purchase_that_was_killed_anywhere(
    acme: Tenant, flow_id: str, saboteur: Sabotage, later: Later, frozen: clock.FrozenClock
) -> None:
    outcomes = []
    for e164 in kill_everywhere(saboteur, find_number_on_sale, lambda e164: buy(acme, e164, flow_id)):
        frozen.advance(minutes=3)
        send_due(later, "workers/numbers")
        outcomes.append(numbers.find_number_by_e164(e164) is not None)
        require_right_books(acme)
        assert outcomes[-1] or store.find_holder(e164) is None, "somebody else may buy it now"
    assert set(outcomes) == {True, False}


def test_a_settlement_that_was_killed_anywhere_records_the_number_once(
    acme: Tenant,
    flow_id: str,
    saboteur: Sabotage,
    later: Later,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def begin_purchase() -> str:
        e164 = find_number_on_sale()
        # The request dies after the provider has sold the number.
        with monkeypatch.context() as patched, suppress(Killed):
            patched.setattr(purchases, "_finish_purchase", die)
            buy(acme, e164, flow_id)
        assert numbers.find_number_by_e164(e164) is None
        frozen.advance(minutes=3)
        return e164

    def settle(e164: str) -> None:
        holder = store.find_holder(e164)
        assert holder
        assignments.settle_purchase(*holder)

    for e164 in kill_everywhere(saboteur, begin_purchase, settle):
        send_due(later, "workers/numbers")
        number = numbers.find_number_by_e164(e164)
        assert number
        assert number.flow_id == flow_id
        assert count_events(number.id) == {"number.purchase_started": 1, "number.bought": 1}
        assert len(list_rent_timers(number.id)) == 1
        require_right_books(acme)


def test_a_change_that_was_killed_anywhere_is_made_once_by_its_repetition(
    acme: Tenant, flow_id: str, saboteur: Sabotage, later: Later
) -> None:
    second = service.create_flow(acme.caller(master=True), FlowSettings(name="Night desk")).id

    def change(number: Number) -> Number:
        caller = with_effect(acme.caller(master=True), f"change {number.id}")
        wanted = {"friendly_name": "Night", "flow_id": second}
        return assignments.update_number(caller, number.id, wanted, caller.effect)

    for number in kill_everywhere(saboteur, lambda: buy(acme, find_number_on_sale(), flow_id), change):
        changed = change(number)
        assert (changed.friendly_name, changed.flow_id, changed.version) == ("Night", second, number.version + 1)
        assert change(number) == changed
        assert number.id not in {one.id for one in numbers.list_numbers_of_flow(acme.org_id, flow_id)}
        assert number.id in {one.id for one in numbers.list_numbers_of_flow(acme.org_id, second)}
        assert count_events(number.id)["number.updated"] == 1
        send_due(later, "workers/numbers")
        owned = get_inventory().fetch(acme.org_id, number.sid)
        assert owned
        assert owned.friendly_name == "Night", "the provider has the new name"
        require_right_books(acme)


def test_a_release_that_was_killed_anywhere_ends_the_rent_once(
    acme: Tenant, flow_id: str, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    def sync(_: Number) -> None:
        registration.sync_numbers(acme.caller(master=True))

    def lose_number() -> Number:
        number = buy(acme, find_number_on_sale(), flow_id)
        get_inventory().release(acme.org_id, number.sid)
        # A younger number may be missing in the provider's list.
        frozen.advance(seconds=61)
        return number

    for number in kill_everywhere(saboteur, lose_number, sync):
        sync(number)
        released = numbers.get_number(acme.org_id, number.id)
        assert (released.active, released.flow_ids) == (False, set())
        assert count_events(number.id)["number.released"] == 1
        assert list_rent_timers(number.id) == []
        # The simulator puts the number back on sale, so the next round buys it again.
        assert store.find_holder(number.e164) is None
        require_right_books(acme)
        rent.charge_rent(acme.org_id, number.id, 1)
        assert list_rent_charges(number.id) == []


def _queue_first_month(acme: Tenant, flow_id: str, frozen: clock.FrozenClock) -> Number:
    """A number whose first month of rent is due, with its job in the queue."""
    number = buy(acme, find_number_on_sale(), flow_id)
    assert number.rent
    set_clock(frozen, clock.format_iso(rent.due_of_month(number.rent.since, 1)))
    queues.send_messages([ChargeRent(org_id=acme.org_id, number_id=number.id, month=1).to_message()])
    return number


def _require_one_charge(number: Number, *, months: int = 1) -> None:
    assert number.rent
    periods = [clock.format_iso(rent.due_of_month(number.rent.since, month))[:7] for month in range(1, months + 1)]
    charges = list_rent_charges(number.id)
    assert [event.data["period"] for event in charges] == periods
    following = clock.format_iso(rent.due_of_month(number.rent.since, months + 1))
    assert (following, months + 1) in list_rent_timers(number.id)
    assert [month for _, month in list_rent_timers(number.id)].count(months + 1) == 1


def test_a_charge_of_rent_that_was_killed_anywhere_is_made_once(
    acme: Tenant, flow_id: str, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    for number in kill_everywhere(
        saboteur, lambda: _queue_first_month(acme, flow_id, frozen), lambda _: run_worker("workers/numbers")
    ):
        before = spent_cents(acme, clock.now_iso()[:7]) - PRICE * len(list_rent_charges(number.id))
        run_worker("workers/numbers")  # the queue brings the job again
        queues.send_messages([ChargeRent(org_id=acme.org_id, number_id=number.id, month=1).to_message()])
        run_worker("workers/numbers")  # and once more
        _require_one_charge(number)
        assert spent_cents(acme, clock.now_iso()[:7]) == before + PRICE


def test_a_charge_whose_answer_was_lost_is_made_once(
    acme: Tenant, flow_id: str, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    number = _queue_first_month(acme, flow_id, frozen)
    saboteur.lose_answer("TransactWriteItems")
    run_worker("workers/numbers")
    run_worker("workers/numbers")
    _require_one_charge(number)
    assert spent_cents(acme, clock.now_iso()[:7]) == PRICE


def test_workers_killed_while_they_catch_up_after_an_outage_charge_each_month_once(
    acme: Tenant, flow_id: str, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    bought, stream = clock.now_iso(), Stream()
    number = _queue_first_month(acme, flow_id, frozen)
    set_clock(frozen, clock.format_iso(rent.due_of_month(bought, 4) + timedelta(days=1)))
    for done in range(24):
        with saboteur.killing(after=done % 8):
            run_worker("workers/numbers")
        stream.hand_on()
    while run_worker("workers/numbers"):
        stream.hand_on()
    _require_one_charge(number, months=4)
    for month in range(5):
        assert spent_cents(acme, clock.format_iso(rent.due_of_month(bought, month))[:7]) == PRICE


def test_a_release_and_a_charge_at_the_same_time_exclude_each_other(
    acme: Tenant, flow_id: str, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    """A release between any two AWS calls of a charge: the month that has begun is charged once, and no later month."""
    for place in count():
        number = _queue_first_month(acme, flow_id, frozen)
        get_inventory().release(acme.org_id, number.sid)
        frozen.advance(seconds=61)
        met: list[bool] = []

        def release(met: list[bool] = met) -> None:
            met.append(True)
            registration.sync_numbers(acme.caller(master=True))

        with saboteur.meeting(place, release):
            run_worker("workers/numbers")
        if not met:
            break
        run_worker("workers/numbers")
        assert [event.data["begins"] for event in list_rent_charges(number.id)] == [
            clock.format_iso(rent.due_of_month(number.created_at, 1))
        ], place
        assert [month for _, month in list_rent_timers(number.id) if month > 1] == [], place
    assert place > 2
