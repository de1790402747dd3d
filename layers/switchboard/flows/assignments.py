"""Assigns numbers to flows: registers, buys and changes numbers, with the guard of their flows.

The guard is part of the number's own commit. It checks the flow, and counts the assignment, so that a deletion or a
change of the flow at the same time fails and looks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import ConditionCheck, Writes
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Origin
from switchboard.flows import service, store
from switchboard.numbers import purchases, registration
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number, Purchase
from switchboard.numbers.purchases import NumberOrder
from switchboard.persistence.idempotency import IdempotencyKey


def register_number(
    origin: Origin,
    sid: str,
    e164: str,
    friendly_name: str | None = None,
    flow_id: str | None = None,
    effect: IdempotencyKey | None = None,
) -> Number:
    """Registers a number, and assigns it to a flow. Raises Invalid for an unknown flow."""
    guards = _guard_writes(origin.org_id, {"flow_id": flow_id})
    return registration.register_number(origin, sid, e164, friendly_name, flow_id, guards, effect)


def buy_number(origin: Origin, order: NumberOrder, effect: IdempotencyKey | None = None) -> Number:
    """Buys a number, and assigns it to its flows. Raises Invalid for an unknown flow, before it spends money."""
    guards = _guard_writes(origin.org_id, {"flow_id": order.flow_id, "sms_flow_id": order.sms_flow_id})
    return purchases.buy_number(origin, order, guards, effect)


def update_number(
    origin: Origin, number_id: str, changes: dict[str, Any], effect: IdempotencyKey | None = None
) -> Number:
    """Changes a number, and its flows. Raises Invalid for an unknown flow."""
    numbers.get_number(origin.org_id, number_id)
    wanted = {name: changes[name] for name in ("flow_id", "sms_flow_id") if changes.get(name)}
    return numbers.update_number(origin, number_id, changes, _guard_writes(origin.org_id, wanted), effect)


def settle_purchase(org_id: str, purchase_id: str) -> None:
    """Finds out what became of a purchase without an answer."""

    def guard_writes(purchase: Purchase) -> list[Writes]:
        return _guard_writes(org_id, {"flow_id": purchase.flow_id, "sms_flow_id": purchase.sms_flow_id})

    purchases.settle_purchase(org_id, purchase_id, guard_writes)


def _guard_writes(org_id: str, wanted: Mapping[str, str | None]) -> list[Writes]:
    """Returns the guards of flows, for the commit that assigns them. Raises Invalid for an unknown or unfit flow."""
    for field, flow_id in wanted.items():
        if flow_id:
            _require_flow(org_id, field, flow_id)
    calls = wanted.get("flow_id")
    flow_ids = dict.fromkeys(flow_id for flow_id in wanted.values() if flow_id)
    return [_flow_guard_writes(org_id, flow_id, answers=flow_id == calls) for flow_id in flow_ids]


def _require_flow(org_id: str, field: str, flow_id: str) -> None:
    try:
        found = service.get_flow(org_id, flow_id)
    except NotFound:
        raise service.unknown_flow(field) from None
    if found.id != flow_id:
        # A number keeps the id as the flow spells it.
        raise service.unknown_flow(field)
    if field == "flow_id" and found.kind != "inbound":
        raise _outbound_flow()


def _flow_guard_writes(org_id: str, flow_id: str, *, answers: bool) -> list[Writes]:
    check = ConditionCheck(
        table="core",
        key=store.FLOWS.key(org_id, flow_id),
        condition="attribute_exists(pk) AND kind = :kind" if answers else "attribute_exists(pk)",
        values={":kind": "inbound"} if answers else {},
        otherwise=_unfit,
    )
    return [check, store.assignment_write(org_id, flow_id)]


def _unfit(items: list[Item | None]) -> Exception:
    return _outbound_flow() if items[0] else service.unknown_flow("flow_id")


def _outbound_flow() -> Invalid:
    return Invalid(
        "An outbound flow does not answer calls: choose an inbound flow.",
        code="flow_kind",
        fields={"flow_id": "must be an inbound flow"},
    )
