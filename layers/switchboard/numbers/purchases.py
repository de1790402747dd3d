"""Buys numbers, once for each number, and settles purchases whose outcome is unknown.

The intent is recorded first: it holds the telephone number for the organization, charges the first month and counts the
number. Then the provider is asked. Its answer ends the purchase in one commit. A purchase without an answer stays
pending. The next request for the number, or a timer, asks the provider whether it has the number, and never buys
before the earlier request must have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes, commit
from switchboard.carriers.numbers import get_inventory, inventory_name
from switchboard.carriers.numbers.ports.inventory import UNAVAILABLE, NumberInventory, OwnedNumber
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject, SystemActor
from switchboard.kit import clock, ids, texts
from switchboard.numbers import configuration, pricing, records, rent, store
from switchboard.numbers.jobs import SettlePurchase
from switchboard.numbers.models import Number, Purchase, PurchaseStatus
from switchboard.numbers.provider import RETRY_SECONDS, ask_provider, provider_silent
from switchboard.numbers.service import get_number
from switchboard.numbers.store import Holder
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import Decision, StaleVersionError
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: A request to the provider ends after five seconds. After this time it has certainly taken effect, or never will.
GRACE = timedelta(seconds=60)
#: The first check of a purchase by a timer, and the longest time between two checks.
_FIRST_CHECK, _LONGEST_PAUSE_MINUTES = timedelta(minutes=2), 60
#: How long a finished purchase is kept.
_KEPT = timedelta(days=30)


class NumberOrder(NamedTuple):
    """A number to buy, and the flows of its calls and texts."""

    e164: str
    friendly_name: str | None = None
    flow_id: str | None = None
    sms_flow_id: str | None = None


class _HeldError(Exception):
    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("held")
        self.holder = store.parse_holder(items[0] or {})


def buy_number(
    origin: Origin, order: NumberOrder, extra: Sequence[Writes] = (), effect: IdempotencyKey | None = None
) -> Number:
    """Buys a number for the organization. Returns the number that it already owns instead of buying it again.

    `extra` are the writes that guard the flows. If they fail after the purchase, the number has no flow. Raises Invalid
    with `number_unavailable`, also for a number of another organization. Raises Forbidden at the spending cap and at
    the plan's limit. Raises Unavailable if the outcome is unknown: the same request then finds it out.
    """
    wanted = pricing.parse_number_on_sale(order.e164)
    if done := find_earlier_effect(effect):
        return get_number(origin.org_id, done.subject_id)
    inventory = get_inventory()
    holder = store.find_holder(wanted.e164)
    if holder is None:
        try:
            purchase = _begin_purchase(origin, order._replace(e164=wanted.e164), inventory.name)
        except _HeldError as held:
            holder = held.holder
        else:
            return _ask_and_finish(origin, inventory, purchase, extra, effect)
    if holder.org_id != origin.org_id:
        raise _unavailable()
    return _continue_purchase(origin, inventory, holder, order, extra, effect)


def _begin_purchase(origin: Origin, order: NumberOrder, provider: str) -> Purchase:
    """Records the intent to buy. Raises _HeldError if the telephone number is held, and Forbidden at a limit."""
    org = organizations.get_organization(origin.org_id)
    price = pricing.price_of_number(order.e164)
    charge = usage.spending_charge(org, price.meter, 1)
    now = clock.now_iso()
    purchase = Purchase(
        id=ids.new_id(store.ID_PREFIX.removesuffix("_")),
        org_id=org.id,
        e164=order.e164,
        friendly_name=order.friendly_name or order.e164,
        flow_id=order.flow_id,
        sms_flow_id=order.sms_flow_id,
        provider=provider,
        meter=price.meter,
        monthly_cost_cents=price.cents,
        receipt=usage.receipt_of([charge]),
        asked_at=now,
        work=SystemActor(
            org_id=org.id, actor=origin.actor, agent_id=origin.agent_id, correlation_id=origin.correlation_id
        ),
        created_at=now,
        updated_at=now,
    )
    check = SettlePurchase(org_id=org.id, purchase_id=purchase.id)
    try:
        usage.commit_within(
            [charge],
            store.PURCHASES.create_write(purchase),
            store.hold_write(purchase.e164, Holder(org.id, purchase.id), _HeldError),
            pricing.bought_room_write(org),
            _purchase_event_write(origin, "number.purchase_started", purchase),
            timers.schedule(check, clock.now() + _FIRST_CHECK).write,
        )
    except QuotaExceeded as full:
        # The contract has no 402 here.
        raise Forbidden(full.message, code=full.code, **full.details) from full
    return purchase


def _ask_and_finish(
    origin: Origin,
    inventory: NumberInventory,
    purchase: Purchase,
    extra: Sequence[Writes],
    effect: IdempotencyKey | None,
) -> Number:
    """Asks the provider to sell the number, and records its answer."""
    try:
        bought = inventory.buy(
            purchase.org_id, purchase.e164, configuration.make_settings(purchase.id, purchase.friendly_name)
        )
    except RefusedError as refused:
        # A number that the organization already has at its provider is not on sale either.
        if found := ask_provider(lambda: inventory.find(purchase.org_id, purchase.e164)):
            return _finish_purchase(origin, purchase, found, extra, effect)
        _abandon_purchase(origin, purchase)
        if str(refused) == UNAVAILABLE:
            raise _unavailable() from refused
        raise Invalid(f"The provider refuses to sell this number: {refused}.", code="purchase_refused") from refused
    except ThrottledError as throttled:
        _abandon_purchase(origin, purchase)
        raise provider_silent(throttled) from throttled
    except OutcomeUnknownError as unknown:
        telemetry.emit_metric("NumberPurchaseUnknown")
        raise _unconfirmed(RETRY_SECONDS) from unknown
    return _finish_purchase(origin, purchase, bought, extra, effect)


def _continue_purchase(
    origin: Origin,
    inventory: NumberInventory,
    holder: Holder,
    order: NumberOrder,
    extra: Sequence[Writes],
    effect: IdempotencyKey | None,
) -> Number:
    """Returns the organization's number, or finds out what became of its purchase."""
    number = store.NUMBERS.get_object(*holder)
    if number:
        return number
    purchase = store.PURCHASES.get_object(*holder)
    if purchase is None or purchase.status is not PurchaseStatus.PENDING:
        # It ended between the two reads.
        raise _unconfirmed(1)
    purchase = purchase.model_copy(
        update={
            "friendly_name": order.friendly_name or purchase.friendly_name,
            "flow_id": order.flow_id,
            "sms_flow_id": order.sms_flow_id,
        }
    )
    found = ask_provider(lambda: inventory.find(purchase.org_id, purchase.e164))
    if found:
        return _finish_purchase(origin, purchase, found, extra, effect)
    if wait := _seconds_to_wait(purchase):
        raise _unconfirmed(wait)
    renewed = next_version(purchase, asked_at=clock.now_iso())
    try:
        commit(store.PURCHASES.save_write(renewed))
    except StaleVersionError:
        raise _unconfirmed(1) from None
    return _ask_and_finish(origin, inventory, renewed, extra, effect)


def _seconds_to_wait(purchase: Purchase) -> int:
    """Returns how long the latest request to the provider may still take effect."""
    age = clock.now() - clock.parse(purchase.asked_at)
    return max(0, int((GRACE - age).total_seconds()))


def _finish_purchase(
    origin: Origin,
    purchase: Purchase,
    owned: OwnedNumber,
    extra: Sequence[Writes],
    effect: IdempotencyKey | None,
) -> Number:
    """Records a number that the provider sold. Returns it also if another request has recorded it."""
    bought = records.new_number(
        purchase.org_id,
        purchase.id,
        owned,
        purchase.provider,
        purchase.friendly_name,
        # The abilities are known only now, and the number is paid: it gets only the flows that it can serve.
        purchase.flow_id if owned.features.voice else None,
        purchase.sms_flow_id if owned.features.sms else None,
    )
    number, rent_write = rent.begin_rent(bought, purchase.created_at)
    ended = store.PURCHASES.save_write(_ended(purchase, PurchaseStatus.BOUGHT))
    try:
        commit_once(effect, number.id, ended, records.number_writes(origin, number, "number.bought"), rent_write, extra)
    except StaleVersionError:
        recorded = store.NUMBERS.get_object(purchase.org_id, purchase.id)
        if recorded is None:
            raise _unconfirmed(1) from None
        return recorded
    except (NotFound, Invalid, Conflict) as refused:
        # The flow is gone. The number is bought, so it is recorded without the flow.
        telemetry.logger().warning("flow not assigned", extra={"number_id": number.id, "reason": refused.code})
        bare = purchase.model_copy(update={"flow_id": None, "sms_flow_id": None})
        if (purchase.flow_id, purchase.sms_flow_id) == (None, None):
            raise
        return _finish_purchase(origin, bare, owned, (), None)
    return number


def _abandon_purchase(origin: Origin, purchase: Purchase) -> None:
    """Ends a purchase without a number: gives back the telephone number, the room and the money."""
    org = organizations.get_organization(purchase.org_id)
    refund = usage.correction_write(org, purchase.meter, -1, purchase.receipt) if purchase.receipt else None
    try:
        commit(
            store.PURCHASES.save_write(_ended(purchase, PurchaseStatus.REFUSED)),
            store.unhold_write(purchase.e164, Holder(purchase.org_id, purchase.id)),
            pricing.room_write(org, -1),
            refund,
            _purchase_event_write(origin, "number.purchase_refused", purchase),
        )
    except StaleVersionError:
        telemetry.log_skip("the purchase has ended", purchase_id=purchase.id)


def _ended(purchase: Purchase, status: PurchaseStatus) -> Purchase:
    return next_version(purchase, status=status, expires=int((clock.now() + _KEPT).timestamp()))


def settle_purchase(
    org_id: str, purchase_id: str, extra_of: Callable[[Purchase], Sequence[Writes]] = lambda _: ()
) -> None:
    """Finds out what became of a purchase that no request has finished. `extra_of` returns the guards of its flows."""
    purchase = store.PURCHASES.get_object(org_id, purchase_id)
    if purchase is None or purchase.status is not PurchaseStatus.PENDING:
        telemetry.log_skip("the purchase has ended", purchase_id=purchase_id)
        return
    if _seconds_to_wait(purchase) or inventory_name() != purchase.provider:
        _check_later(purchase)
        return
    try:
        found = get_inventory().find(org_id, purchase.e164)
    except (ThrottledError, OutcomeUnknownError) as silent:
        telemetry.log_skip("the provider did not answer", purchase_id=purchase_id, error=str(silent))
        _check_later(purchase)
        return
    if found is None:
        _abandon_purchase(purchase.work, purchase)
        return
    try:
        extra = extra_of(purchase)
    except (NotFound, Invalid):
        # The flow is gone, and the number is bought.
        purchase, extra = purchase.model_copy(update={"flow_id": None, "sms_flow_id": None}), ()
    _finish_purchase(purchase.work, purchase, found, extra, None)


def _check_later(purchase: Purchase) -> None:
    """Schedules the next check of a purchase. The pauses grow to an hour."""

    def decide(now: Purchase) -> Decision[Purchase]:
        if now.status is not PurchaseStatus.PENDING:
            return None
        pause = timedelta(minutes=min(2**now.checks, _LONGEST_PAUSE_MINUTES))
        job = SettlePurchase(org_id=now.org_id, purchase_id=now.id)
        return next_version(now, checks=now.checks + 1), timers.schedule(job, clock.now() + pause).write

    telemetry.emit_metric("NumberPurchasePending")
    store.PURCHASES.change_object(purchase.org_id, purchase.id, decide)


def _purchase_event_write(origin: Origin, event_type: str, purchase: Purchase) -> Writes:
    return events.new_event_write(
        origin,
        event_type,
        Subject(type="number", id=purchase.id),
        number=texts.digest(purchase.e164),
        cost_cents=purchase.monthly_cost_cents,
    )


def _unavailable() -> Invalid:
    return Invalid(
        "This number is not available: search again and choose another.",
        code=UNAVAILABLE,
        fields={"phoneNumber": "is not available"},
    )


def _unconfirmed(retry_after: int) -> Unavailable:
    return Unavailable(
        "The provider has not confirmed the purchase yet: send the same request again to find out. It buys the number "
        "at most once.",
        code="purchase_unconfirmed",
        retry_after=retry_after,
    )
