"""The billing summary of an organization, and the changes that it makes to its subscription."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap, Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.billing import catalog, checkout, paid_months, store, subscriptions
from switchboard.billing.asking import asking_provider
from switchboard.billing.catalog import Included
from switchboard.billing.models import UNPAID, BillingAccount, BillingStatus
from switchboard.billing.moves import suspension_time
from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.payments import get_payments
from switchboard.carriers.payments.ports.payments import Payments, SubscriptionChange
from switchboard.errors import Conflict, Invalid
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, texts
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT, Meter


@dataclass(frozen=True)
class BillingSummary:
    """An organization's plan, subscription and use. `minutes` and `sms` are those of the month (UTC).

    `cost_cents` is the cost that counts towards the organization's own cap.
    """

    organization: Organization
    account: BillingAccount | None
    included: Included
    minutes: int
    sms: int
    numbers: int
    overage_cents: int
    cost_cents: int

    @property
    def status(self) -> BillingStatus:
        return self.account.status if self.account else BillingStatus.NONE

    @property
    def period(self) -> tuple[str, str]:
        """The period of the subscription. Without one, the current month."""
        if self.account and self.account.period_start and self.account.period_end:
            return self.account.period_start, self.account.period_end
        begins = clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        ends = (begins + timedelta(days=32)).replace(day=1)
        return clock.format_iso(begins), clock.format_iso(ends)

    @property
    def suspends_at(self) -> str | None:
        """When an unpaid subscription suspends what the organization sends."""
        return suspension_time(self.account.unpaid_since) if self.account and self.account.unpaid_since else None


class BillingChanges(NamedTuple):
    """The changes of a request. A field that `given` does not name stays. `None` for the cap ends it."""

    given: frozenset[str]
    plan: PlanName | None = None
    cancel_at_period_end: bool | None = None
    overage_cap_cents: int | None = None
    hard_cap_enabled: bool | None = None
    billing_email: str | None = None


def get_summary(org: Organization) -> BillingSummary:
    """Returns the billing summary, from the same counters that limit the organization."""
    units, account = usage.get_monthly_usage(org.id).units, store.get_account(org.id)
    included = paid_months.included_now(account, org)
    return BillingSummary(
        organization=org,
        account=account,
        included=included,
        minutes=units[Meter.VOICE_BASIC] + units[Meter.VOICE_PREMIUM],
        sms=units[Meter.SMS] + units[Meter.SMS_TOLL_FREE],
        numbers=organizations.get_gauge(org.id, "numbers"),
        overage_cents=catalog.overage_cents(included, units),
        cost_cents=usage.used_in_month(org.id, clock.now_iso()[:7], "capped") // MICROS_PER_CENT,
    )


def change_billing(origin: Origin, org: Organization, changes: BillingChanges) -> BillingSummary:
    """Changes plan, end, cap or billing address. Returns the summary after it. A repeated request changes nothing.

    Raises Invalid; Conflict with `no_subscription`, `subscription_unpaid`, `plan_too_small` or `payment_refused`;
    QuotaExceeded with `payment_declined` or `authentication_required`; Unavailable.
    """
    if not changes.given:
        raise Invalid("Name at least one field to change.", fields={"body": "has no field"})
    cap = _cap_changes(org, changes)
    if changes.plan is not None or changes.cancel_at_period_end is not None:
        _change_subscription(origin, org, changes)
    if changes.billing_email is not None:
        _change_email(origin, changes.billing_email)
    if cap:
        usage.change_hard_cap(origin, cap)
    return get_summary(organizations.get_organization(org.id))


def _cap_changes(org: Organization, changes: BillingChanges) -> dict[str, Any]:
    """Returns the changes of the hard cap. Raises Invalid for a cap that is switched on without an amount."""
    cap: dict[str, Any] = {}
    if "overage_cap_cents" in changes.given:
        cap["enabled"] = changes.overage_cap_cents is not None
        cap["monthly_cap_cents"] = changes.overage_cap_cents or 0
    if changes.hard_cap_enabled is not None:
        cap["enabled"] = changes.hard_cap_enabled
    after = HardCap.model_validate(org.hard_cap.model_dump() | cap)
    if changes.hard_cap_enabled and changes.overage_cap_cents is None and not after.monthly_cap_cents:
        raise Invalid(
            "Say the amount of the cap too: send overage_cap_cents.",
            fields={"overage_cap_cents": "is missing or null, and no amount was set before"},
        )
    return cap if after != org.hard_cap else {}


def _change_subscription(origin: Origin, org: Organization, changes: BillingChanges) -> None:
    payments = get_payments()
    with asking_provider():
        account = subscriptions.sync_account(origin, payments)
        if account is None or not account.is_live or account.subscription_id is None:
            raise Conflict(
                "The organization has no subscription: create a checkout session first.", code="no_subscription"
            )
        plan = changes.plan if changes.plan is not account.plan else None
        cancel = changes.cancel_at_period_end
        if cancel == account.cancel_at_period_end:
            cancel = None
        if plan is None and cancel is None:
            return
        if plan is not None:
            if account.status in UNPAID:
                raise Conflict(
                    "An invoice is open: pay it in the billing portal, then change the plan.",
                    code="subscription_unpaid",
                )
            catalog.require_plan_fits(org, plan)
        payments.change_subscription(
            SubscriptionChange(
                org.id,
                account.subscription_id,
                plan,
                cancel,
                _key(account, plan, cancel),
                paid=plan is not None and paid_months.is_paid(account, plan),
            )
        )
        subscriptions.sync_account(origin, payments)


def _key(account: BillingAccount, *parts: object) -> str:
    return f"change:{account.org_id}:{account.version}:{texts.digest(repr(parts))[:16]}"


def _change_email(origin: Origin, address: str) -> None:
    def attempt() -> None:
        before = store.get_account(origin.org_id)
        if before and before.email == address:
            return
        if before and before.customer_id:
            payments: Payments = get_payments()
            with asking_provider():
                try:
                    payments.change_email(before.org_id, before.customer_id, address, _key(before, address))
                except RefusedError:
                    # The customer may be gone. Then the next one gets the address.
                    found = subscriptions.sync_account(origin, payments)
                    if found and found.customer_id:
                        raise
                    raise StaleVersionError from None
        after = (
            next_version(before, email=address)
            if before
            else checkout.new_account(origin.org_id).model_copy(update={"email": address})
        )
        commit(
            store.account_write(after),
            events.new_event_write(
                origin,
                "billing.address_changed",
                Subject(type="organization", id=origin.org_id),
                address=texts.digest(address.casefold()),
            ),
        )

    retry_on_conflict(attempt)
