"""Registers numbers that the organization already has at its provider: one of them, or all of them (a sync)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws.writes import Writes, commit
from switchboard.carriers.numbers import get_inventory
from switchboard.carriers.numbers.ports.inventory import OwnedNumber
from switchboard.errors import Conflict, Forbidden, Invalid, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, ids
from switchboard.numbers import pricing, records, rent, store
from switchboard.numbers.models import Number
from switchboard.numbers.provider import RETRY_SECONDS, ask_provider
from switchboard.numbers.purchases import GRACE
from switchboard.numbers.service import get_number
from switchboard.numbers.store import Holder
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import Decision, StaleVersionError, retry_on_conflict

#: New numbers of one commit. Each has at most six writes, and a commit has at most a hundred.
_PER_COMMIT = 15


class SyncCount(NamedTuple):
    """The counts of the changes of a sync."""

    added: int
    updated: int
    released: int


class SyncPlan(NamedTuple):
    """The differences between the provider's inventory and our numbers."""

    added: list[OwnedNumber]
    updated: list[tuple[Number, OwnedNumber]]
    released: list[Number]


# ---- one number


def register_number(
    origin: Origin,
    sid: str,
    e164: str,
    friendly_name: str | None = None,
    flow_id: str | None = None,
    extra: Sequence[Writes] = (),
    effect: IdempotencyKey | None = None,
) -> Number:
    """Registers a number of the organization's inventory. `extra` are the writes that guard the flow.

    Returns the number if it is registered already, with the same name and flow. Raises Invalid with
    `number_not_in_inventory`, also for a number of another organization, with `number_without_voice`, or with
    `number_exists`. Raises Forbidden at the plan's limit, and Unavailable if the provider does not answer.
    """
    if done := find_earlier_effect(effect):
        return get_number(origin.org_id, done.subject_id)
    inventory = get_inventory()
    wanted = sid[:2] + sid[2:].lower()
    owned = ask_provider(lambda: inventory.fetch(origin.org_id, wanted))
    if owned is None or owned.e164 != e164:
        raise records.not_in_inventory()
    records.require_abilities(records.capabilities_of(owned), flow_id, None)
    org = organizations.get_organization(origin.org_id)

    def attempt() -> Number:
        holder = store.find_holder(e164)
        if holder:
            return _registered(origin.org_id, holder, wanted, friendly_name, flow_id)
        number_id = ids.new_id(store.ID_PREFIX.removesuffix("_"))
        number = records.new_number(org.id, number_id, owned, inventory.name, friendly_name, flow_id)
        done = commit_once(effect, number.id, _new_writes(origin, number), pricing.room_write(org, 1), extra)
        return get_number(org.id, done.subject_id) if done else number

    known = retry_on_conflict(attempt)
    assert known is not None, "no write says that it is recorded already"
    return known


def _new_writes(origin: Origin, number: Number) -> list[Writes]:
    hold = store.hold_write(number.e164, Holder(number.org_id, number.id), StaleVersionError)
    return [hold, *records.number_writes(origin, number, "number.registered")]


def _registered(org_id: str, holder: Holder, sid: str, friendly_name: str | None, flow_id: str | None) -> Number:
    """Returns the number that holds the telephone number, if it is as the request wants it."""
    if holder.org_id != org_id:
        raise records.not_in_inventory()
    number = store.NUMBERS.get_object(*holder)
    if number is None:
        raise Unavailable(
            "This number is being bought: try again in a few seconds.",
            code="purchase_unconfirmed",
            retry_after=RETRY_SECONDS,
        )
    same_name = friendly_name is None or friendly_name == number.friendly_name
    same_flow = flow_id is None or flow_id == number.flow_id
    if number.sid == sid and same_name and same_flow:
        return number
    raise Invalid(
        "This number is registered already: change its name or flow with PATCH.",
        code="number_exists",
        number_id=number.id,
    )


# ---- the whole inventory


def sync_numbers(origin: Origin) -> SyncCount:
    """Makes our numbers equal to the provider's inventory. A second sync finds nothing to do.

    The whole inventory is read before the first change, so that a slow provider leaves everything as it was. Raises
    Unavailable for a provider that does not answer, and Forbidden if the inventory has more numbers than the plan
    allows.
    """
    inventory = get_inventory()
    found = ask_provider(lambda: inventory.list_owned(origin.org_id))
    plan = plan_sync(store.list_numbers(origin.org_id), found, inventory.name)
    org = organizations.get_organization(origin.org_id)
    fresh = _unheld(org.id, plan.added)
    _require_room(org, len(fresh) - len(plan.released))
    released = sum(_release_number(origin, org, number) for number in plan.released)
    added = sum(_add_numbers(origin, org, part, inventory.name) for part in _parts(fresh))
    updated = sum(_refresh_number(origin, number, owned) for number, owned in plan.updated)
    counts = SyncCount(added, updated, released)
    commit(
        events.new_event_write(
            origin, "numbers.synced", Subject(type="organization", id=org.id), **counts._asdict(), found=len(found)
        )
    )
    return counts


def plan_sync(numbers: Sequence[Number], found: Sequence[OwnedNumber], provider: str) -> SyncPlan:
    """Returns the differences between our numbers and a provider's inventory.

    Numbers of another provider stay as they are. A number that is younger than a minute may not be in the provider's
    list yet.
    """
    mine = {number.e164: number for number in numbers if number.active and number.provider == provider}
    theirs = {owned.e164: owned for owned in found}
    young = clock.format_iso(clock.now() - GRACE)
    return SyncPlan(
        [owned for e164, owned in theirs.items() if e164 not in mine],
        [(number, theirs[e164]) for e164, number in mine.items() if e164 in theirs and _differs(number, theirs[e164])],
        [number for e164, number in mine.items() if e164 not in theirs and number.created_at < young],
    )


def _differs(number: Number, owned: OwnedNumber) -> bool:
    facts = (number.sid, number.capabilities, number.monthly_cost_cents)
    return facts != (owned.sid, records.capabilities_of(owned), pricing.price_of_number(number.e164).cents)


def _unheld(org_id: str, added: Sequence[OwnedNumber]) -> list[OwnedNumber]:
    """Returns the numbers that nobody holds. A purchase in progress records its number itself."""
    fresh: list[OwnedNumber] = []
    for owned, holder in zip(added, store.find_holders([one.e164 for one in added]), strict=True):
        if holder is None:
            fresh.append(owned)
        else:
            reason = "it is being bought" if holder.org_id == org_id else "another organization has it"
            telemetry.log_skip(f"number not added: {reason}", sid=owned.sid)
    return fresh


def _require_room(org: Organization, more: int) -> None:
    limit = org.terms.numbers
    if limit is not None and more > 0 and organizations.get_gauge(org.id, pricing.GAUGE) + more > limit:
        raise Forbidden(
            f"The inventory has more numbers than the plan allows ({limit}): release some, or change the plan.",
            code="number_limit",
            limit=limit,
        )


def _parts(fresh: Sequence[OwnedNumber]) -> Iterator[Sequence[OwnedNumber]]:
    for begin in range(0, len(fresh), _PER_COMMIT):
        yield fresh[begin : begin + _PER_COMMIT]


def _add_numbers(origin: Origin, org: Organization, part: Sequence[OwnedNumber], provider: str) -> int:
    """Adds numbers in one commit. If somebody holds one of them meanwhile, adds the others one by one."""
    made = [records.new_number(org.id, ids.new_id(store.ID_PREFIX.removesuffix("_")), one, provider) for one in part]
    try:
        commit(*(_new_writes(origin, number) for number in made), pricing.room_write(org, len(made)))
    except StaleVersionError:
        if len(part) == 1:
            return 0
        return sum(_add_numbers(origin, org, [one], provider) for one in part)
    return len(made)


def release_number(origin: Origin, number: Number) -> None:
    """Gives a number back to its provider, and ends its rent. A second run changes nothing.

    The provider comes first: a number that we no longer know would cost rent there for ever. Raises Unavailable if the
    provider does not answer, and Conflict if the number is at another provider than the one that is configured.
    """
    inventory = get_inventory()
    if inventory.name != number.provider:
        raise Conflict(
            f"The number {number.e164} is at {number.provider}, which is not configured: release it there.",
            code="number_provider_missing",
        )
    ask_provider(lambda: inventory.release(origin.org_id, number.sid))
    _release_number(origin, organizations.get_organization(origin.org_id), number)


def close_inventory(origin: Origin) -> bool:
    """Gives back all numbers of an organization that is deleted, also unknown ones, and closes its account.

    Returns False if nothing is left to close, or if no provider of numbers is configured. Raises Unavailable.
    """
    try:
        inventory = get_inventory()
    except Unavailable:
        telemetry.log_skip("no provider of numbers is configured", org_id=origin.org_id)
        return False
    return ask_provider(lambda: inventory.close(origin.org_id))


def _refresh_number(origin: Origin, number: Number, owned: OwnedNumber) -> bool:
    def decide(before: Number) -> Decision[Number]:
        if not before.active or not _differs(before, owned):
            return None
        after = next_version(
            before,
            sid=owned.sid,
            capabilities=records.capabilities_of(owned),
            monthly_cost_cents=pricing.price_of_number(before.e164).cents,
        )
        return after, records.number_event_write(origin, "number.updated", after)

    return store.NUMBERS.change_object(number.org_id, number.id, decide) is not None


def _release_number(origin: Origin, org: Organization, number: Number) -> bool:
    def decide(before: Number) -> Decision[Number]:
        if not before.active:
            return None
        ended, rent_writes = rent.end_rent(before)
        after = next_version(ended.released())
        return after, [
            rent_writes,
            store.moved_entry_writes(before, after),
            store.unhold_write(before.e164, Holder(before.org_id, before.id)),
            pricing.room_write(org, -1),
            records.number_event_write(origin, "number.released", after),
        ]

    return store.NUMBERS.change_object(number.org_id, number.id, decide) is not None
