"""The hosted pages of the provider: checkout for a new subscription, and the portal for one that exists.

An organization has one open checkout page at most, so that it cannot subscribe twice. A page is first stored as
ordered, and then opened with the key of the order. So a request that was killed, or another one, can repeat the order,
and close its page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.billing import catalog, notices, store, subscriptions, trusted_urls
from switchboard.billing.asking import asking_provider
from switchboard.billing.models import BillingAccount, OpenCheckout
from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.payments import get_payments
from switchboard.carriers.payments.ports.payments import CheckoutOrder, CheckoutPage, Payments
from switchboard.errors import Conflict
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, ids, texts
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision, retry_on_conflict

#: How long a checkout page is open. Stripe allows 30 minutes at least.
PAGE_LIFETIME = timedelta(hours=1)
#: A page that is open for less is not given to anybody.
_LEAST_LEFT_SECONDS = 300
#: How long a page may still be open at the provider after its end by our clock.
_CLOCK_SKEW_SECONDS = 60


def open_checkout(
    origin: Origin, org: Organization, plan: PlanName, success_url: str | None, cancel_url: str | None
) -> str:
    """Returns the URL of a page where the organization subscribes to a plan.

    A repeated request gets the same page. Another plan closes the page of the first one. Raises Invalid for a URL of
    another site; Conflict with `subscription_exists`, `subscription_unpaid`, `plan_by_agreement`,
    `plan_too_small` or `checkout_paid`; Unavailable.
    """
    success = trusted_urls.require_trusted(success_url or trusted_urls.home_url("success"), "successUrl")
    cancel = trusted_urls.require_trusted(cancel_url or trusted_urls.home_url("canceled"), "cancelUrl")
    if org.plan is PlanName.ENTERPRISE:
        raise Conflict(
            "The organization has the plan enterprise by agreement: ask your contact to change it.",
            code="plan_by_agreement",
        )
    catalog.require_plan_fits(org, plan)
    payments = get_payments()
    with asking_provider():
        # The customer may have paid without our knowledge so far, or may be gone.
        _require_may_subscribe(subscriptions.sync_account(origin, payments))
        _create_customer(origin, org, payments)
        made = retry_on_conflict(lambda: _open_page(origin, payments, plan, success, cancel))
    assert made is not None, "nothing here is recorded before"
    return made


def open_portal(origin: Origin) -> str:
    """Returns the URL of the provider's page for card, invoices and plan. Raises Conflict without a customer."""
    account = _require_customer(store.get_account(origin.org_id))
    payments, url = get_payments(), trusted_urls.home_url("portal")
    with asking_provider():
        try:
            return payments.open_portal(account.org_id, account.customer_id or "", url, key=ids.new_id("portal"))
        except RefusedError:
            # The customer may be gone.
            _require_customer(subscriptions.sync_account(origin, payments))
            raise


def _require_customer(account: BillingAccount | None) -> BillingAccount:
    if account is None or account.customer_id is None:
        raise Conflict("The organization has not subscribed yet: create a checkout session first.", code="no_customer")
    return account


def _create_customer(origin: Origin, org: Organization, payments: Payments) -> None:
    def attempt() -> None:
        before = store.get_account(org.id)
        if before and before.customer_id:
            return
        address = notices.notice_address(org, before)
        # Two requests at the same time get the same customer. Another name or address is another request. After a
        # customer that is gone, the version is a later one.
        version = before.version if before else 0
        key = f"customer:{org.id}:{version}:{texts.digest(repr((org.name, address)))[:16]}"
        customer_id = payments.create_customer(org.id, org.name, address, key=key)
        after = next_version(before, customer_id=customer_id) if before else new_account(org.id, customer_id)
        commit(
            store.account_write(after),
            store.customer_write(after),
            events.new_event_write(
                origin, "billing.customer_created", Subject(type="organization", id=org.id), customer=customer_id
            ),
        )

    retry_on_conflict(attempt)


def new_account(org_id: str, customer_id: str | None = None) -> BillingAccount:
    """Returns a billing account that is not yet stored."""
    now = clock.now_iso()
    return BillingAccount(id=store.ACCOUNT, org_id=org_id, customer_id=customer_id, created_at=now, updated_at=now)


def _require_may_subscribe(account: BillingAccount | None) -> None:
    if account and account.is_live:
        raise Conflict(
            "The organization has a subscription: change it by PATCH /api/billing/subscription, or in the portal.",
            code="subscription_exists",
        )
    if account and account.in_debt:
        raise Conflict(
            "An invoice of an earlier subscription is open, or its payment is disputed: pay it in the billing portal,"
            " or end the dispute, then subscribe again.",
            code="subscription_unpaid",
        )


def _open_page(origin: Origin, payments: Payments, plan: PlanName, success: str, cancel: str) -> str:
    account = store.get_account(origin.org_id)
    assert account is not None, "it has a customer"
    _require_may_subscribe(account)
    now = int(clock.epoch())
    earlier = account.checkout
    if earlier and earlier.expires_at + _CLOCK_SKEW_SECONDS > now:
        page = _find_page(account, earlier, payments)
        same = (earlier.plan, earlier.success_url, earlier.cancel_url) == (plan, success, cancel)
        if page and same and earlier.expires_at > now + _LEAST_LEFT_SECONDS:
            return page.url if earlier.id else _record_page(account, earlier, payments)
        if page:
            _close_page(account, page, payments)
    ordered = OpenCheckout(
        key=ids.new_id("checkout"),
        plan=plan,
        success_url=success,
        cancel_url=cancel,
        ordered_at=now,
        expires_at=now + int(PAGE_LIFETIME.total_seconds()),
        renews_at=_renewal(),
    )
    after = next_version(account, checkout=ordered)
    commit(
        store.account_write(after),
        events.new_event_write(
            origin, "billing.checkout_opened", Subject(type="organization", id=origin.org_id), plan=plan.value
        ),
    )
    return _record_page(after, ordered, payments)


def _renewal() -> int | None:
    """Returns when a new subscription renews: at the beginning of the next month, as our books do.

    In the last hour of a month it is `None`: the customer may pay after the month's end, which the provider refuses.
    """
    now = clock.now()
    begins = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(begins.timestamp()) if begins - now > PAGE_LIFETIME else None


def _order_of(account: BillingAccount, ordered: OpenCheckout) -> CheckoutOrder:
    return CheckoutOrder(
        org_id=account.org_id,
        customer_id=account.customer_id or "",
        plan=ordered.plan.value,
        success_url=ordered.success_url,
        cancel_url=ordered.cancel_url,
        expires_at=ordered.expires_at,
        renews_at=ordered.renews_at,
        key=ordered.key,
    )


def _record_page(account: BillingAccount, ordered: OpenCheckout, payments: Payments) -> str:
    """Opens the page of an order, and records it. Raises Conflict if another request has closed it meanwhile."""
    page = payments.open_checkout(_order_of(account, ordered))
    recorded: list[str] = []
    store.ACCOUNTS.change_object(account.org_id, store.ACCOUNT, _page_change(ordered, page, recorded))
    if not recorded:
        raise Conflict(
            "Another request opened the page of another plan just now: send this request again.",
            code="checkout_replaced",
        )
    return recorded[0]


def _page_change(
    ordered: OpenCheckout, page: CheckoutPage, recorded: list[str]
) -> Callable[[BillingAccount], Decision[BillingAccount]]:
    """Returns the change that records the page of an order. `recorded` gets the URL of the page that counts."""

    def decide(before: BillingAccount) -> Decision[BillingAccount]:
        found = before.checkout
        if found is None or found.key != ordered.key:
            recorded.clear()
            return None
        recorded[:] = [found.url or page.url]
        if found.id:
            return None
        return next_version(before, checkout=found.model_copy(update={"id": page.id, "url": page.url})), None

    return decide


def _find_page(account: BillingAccount, earlier: OpenCheckout, payments: Payments) -> CheckoutPage | None:
    """Returns the page of an order. A page that was not recorded is found by repeating the order.

    Returns `None` for an order that the provider refuses: it has no page.
    """
    if earlier.id:
        return CheckoutPage(earlier.id, earlier.url or "")
    try:
        return payments.open_checkout(_order_of(account, earlier))
    except RefusedError:
        return None


def _close_page(account: BillingAccount, page: CheckoutPage, payments: Payments) -> None:
    """Closes an open page. Raises Conflict if the customer has paid there."""
    if not payments.close_checkout(account.org_id, page.id):
        raise Conflict(
            "The organization has just paid on the page of another plan: get the billing summary in a moment.",
            code="checkout_paid",
        )
