"""Organizations: create, read and change them, their plan, limits and spending cap."""

from __future__ import annotations

from typing import Any, Literal

from switchboard.accounts import stops, store
from switchboard.accounts.models import HardCap, Organization
from switchboard.accounts.plans import PlanName
from switchboard.accounts.store import gauge_write, get_gauge, organization_ref
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Update, Writes, commit
from switchboard.errors import Conflict, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, ids
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.persistence.optimistic import retry_on_conflict

__all__ = ["gauge_write", "get_gauge", "organization_ref"]

#: A deleted organization never becomes active again.
Status = Literal["active", "suspended", "deleted"]


def new_organization(name: str, slug: str, plan: PlanName, owner_email: str | None = None) -> Organization:
    """Returns a new organization that is not yet stored."""
    now = clock.now_iso()
    return Organization(
        id=ids.new_id("org"), name=name, slug=slug, plan=plan, owner_email=owner_email, created_at=now, updated_at=now
    )


def organization_writes(origin: Origin, org: Organization, *, is_slug_derived: bool = False) -> list[Writes]:
    """Returns the writes that create an organization.

    They raise Conflict at commit if its owner already has one, or if another organization has its slug. With
    `is_slug_derived` nobody chose the slug, and they raise StaleVersionError for a taken slug.
    """
    event_write = events.new_event_write(
        origin, "organization.created", Subject(type="organization", id=org.id), plan=org.plan.value, slug=org.slug
    )
    owner = store.owner_write(org, org.owner_email) if org.owner_email else None
    slug = store.slug_write(org.slug, org.id, is_derived=is_slug_derived)
    return [store.organization_write(org), slug, owner, event_write]


def one_more_write(org_id: str, gauge: str, limit: int, *, things: str, advice: str, code: str) -> Update:
    """Returns the write that counts one more thing of a gauge, for the commit that creates it.

    `things` and `advice` are words of the refusal. The commit raises QuotaExceeded with `code` at the limit.
    """

    def refusal(_: list[Item | None]) -> QuotaExceeded:
        text = f"The organization has {limit} {things}, which is the limit: {advice} first."
        return QuotaExceeded(text, code=code, resource=gauge, current=limit, cap=limit)

    return gauge_write(org_id, gauge, 1, limit, refusal)


def get_organization(org_id: str) -> Organization:
    """Returns an organization. Raises NotFound."""
    found = store.get_organization(org_id)
    if not found:
        raise NotFound("There is no such organization: check its id.")
    return found


def list_organizations(limit: int, start: Item | None = None) -> tuple[list[Organization], Item | None]:
    """Returns a page of all organizations, newest first, and the key of the next page. For operators only."""
    page = store.list_organizations(limit, start)
    return [store.parse_organization(item) for item in page.items], page.next_key


def update_organization(
    origin: Origin, org: Organization, changes: dict[str, Any], effect: IdempotencyKey | None = None
) -> Organization:
    """Changes fields of an organization's profile; the others stay. Returns `org` with the changes."""
    now = clock.now_iso()
    event_write = events.new_event_write(
        origin,
        "organization.updated",
        Subject(type="organization", id=org.id),
        fields=sorted(changes),
    )
    after = store.organization_change_write(org.id, {**changes, "updated_at": now})
    if commit_once(effect, org.id, after, event_write):
        return get_organization(org.id)
    return org.model_copy(update={**changes, "updated_at": now})


def set_plan(origin: Origin, plan: PlanName, limits: dict[str, int] | None = None) -> None:
    """Moves an organization to a plan. `limits` replaces all negotiated limits.

    Takes effect within the key cache's time (KEY_CACHE_SECONDS). Use `set_limit` to change a single negotiated limit.
    """
    changes: dict[str, Any] = {"plan": plan.value, "updated_at": clock.now_iso()}
    if limits is not None:
        changes["limits"] = limits
    commit(store.organization_change_write(origin.org_id, changes), _plan_changed_write(origin, plan))


def set_limit(origin: Origin, name: str, value: int | None) -> None:
    """Sets one negotiated limit, or return to the plan's own with `None`. The plan and the other limits stay.

    Takes effect within the key cache's time (KEY_CACHE_SECONDS). Raises NotFound.
    """

    def attempt() -> None:
        org = get_organization(origin.org_id)
        limits = {key: limit for key, limit in org.limits.items() if key != name}
        if value is not None:
            limits[name] = value
        changes = {"limits": limits, "updated_at": clock.now_iso()}
        commit(
            store.unchanged_organization_write(org, changes, ("plan", "limits")), _plan_changed_write(origin, org.plan)
        )

    retry_on_conflict(attempt)


def terms_writes(
    origin: Origin,
    plan: PlanName | None,
    *,
    unpaid: bool | None = None,
    past_due: bool | None = None,
    new_payer: bool | None = None,
) -> list[Writes]:
    """Returns the writes that move an organization to a plan, and stop or allow what it sends, and use beyond the plan.

    `None` changes nothing.

    Negotiated limits stay. Call `usage.service.rebalance` after the commit of another plan.
    """
    changes: dict[str, Any] = {} if plan is None else {"plan": plan.value}
    changes |= {} if unpaid is None else {"unpaid": unpaid}
    changes |= {} if past_due is None else {"past_due": past_due}
    changes |= {} if new_payer is None else {"new_payer": new_payer}
    if not changes:
        return []
    stop = None
    if unpaid is not None:
        stop = stops.unpaid_writes(origin.org_id) if unpaid else stops.paid_writes(origin.org_id)
    return [
        store.organization_change_write(origin.org_id, {**changes, "updated_at": clock.now_iso()}),
        stop,
        _plan_changed_write(origin, plan) if plan else None,
    ]


def _plan_changed_write(origin: Origin, plan: PlanName) -> Writes:
    return events.new_event_write(
        origin, "organization.plan_changed", Subject(type="organization", id=origin.org_id), plan=plan.value
    )


def set_status(origin: Origin, status: Status, *beside: Writes) -> Organization:
    """Makes an organization active, suspended or deleted, with the writes `beside` it. Returns it.

    Its keys follow within the key cache's time (KEY_CACHE_SECONDS). Accepted work that waits for a worker follows at
    once. Raises NotFound, and Conflict for a deleted organization.
    """

    def attempt() -> Organization:
        org = get_organization(origin.org_id)
        if org.status == "deleted" and status != "deleted":
            raise Conflict("The organization is deleted: create a new one.", code="organization_deleted")
        event_write = events.new_event_write(
            origin, "organization.status_changed", Subject(type="organization", id=origin.org_id), status=status
        )
        changes = {"status": status, "updated_at": clock.now_iso()}
        active = status == "active"
        commit(
            store.unchanged_organization_write(org, changes, ("status",)),
            stops.lift_writes(origin.org_id) if active else stops.stop_writes(origin.org_id, stops.ORGANIZATION),
            event_write,
            *beside,
        )
        return org.model_copy(update=changes)

    changed = retry_on_conflict(attempt)
    assert changed is not None, "nothing here is recorded before"
    return changed


def erased_profile_write(org_id: str) -> Writes:
    """Returns the write that removes people and addresses from the profile of a deleted organization."""
    blank = dict.fromkeys(
        (
            *("contact_name", "contact_email", "contact_phone", "owner_email", "caller_id", "calling_hours"),
            *("address_line1", "address_line2", "address_city", "address_region"),
            *("address_postal_code", "address_country"),
        )
    )
    return store.organization_change_write(org_id, {**blank, "updated_at": clock.now_iso()})


def set_calling_hours(origin: Origin, hours: dict[str, str] | None, effect: IdempotencyKey | None = None) -> None:
    """Sets the organization's own calling hours, `start` and `end`, or remove them with `None`.

    Call `compliance.calling_hours.set_calling_hours` instead: it validates them first.
    """
    event_write = events.new_event_write(
        origin,
        "organization.calling_hours_changed",
        Subject(type="organization", id=origin.org_id),
        start=hours["start"] if hours else None,
        end=hours["end"] if hours else None,
    )
    after = store.organization_change_write(origin.org_id, {"calling_hours": hours, "updated_at": clock.now_iso()})
    commit_once(effect, origin.org_id, after, event_write)


def hard_cap_writes(origin: Origin, cap: HardCap, seen: Organization | None = None) -> list[Writes]:
    """Returns the writes that set the organization's own monthly spending limit. Later claims cannot use the old limit.

    With `seen` they raise StaleVersionError at commit if the limit has changed since that reading.
    """
    mark = ids.new_id("cap")
    event_write = events.new_event_write(
        origin, "billing.hard_cap_changed", Subject(type="organization", id=origin.org_id), **cap.model_dump()
    )
    changes = {"hard_cap": cap.model_dump(), "cap_mark": mark, "updated_at": clock.now_iso()}
    return [
        store.unchanged_organization_write(seen, changes, ("cap_mark",))
        if seen
        else store.organization_change_write(origin.org_id, changes),
        stops.cap_writes(origin.org_id, mark),
        event_write,
    ]


def set_hard_cap(
    origin: Origin, cap: HardCap, effect: IdempotencyKey | None = None, seen: Organization | None = None
) -> None:
    """Sets the organization's own monthly spending limit, and leave the usage counters as they are.

    `usage.service.set_hard_cap` also balances the counters. Raises StaleVersionError if the limit has changed since
    `seen` was read.
    """
    commit_once(effect, origin.org_id, hard_cap_writes(origin, cap, seen))
