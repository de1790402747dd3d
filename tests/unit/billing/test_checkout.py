"""The hosted pages: one open page for an organization, trusted addresses only, and no second subscription."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.billing import checkout, store
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError
from switchboard.carriers.payments.ports.payments import CheckoutOrder, CheckoutPage
from switchboard.carriers.payments.simulator import SimulatedPayments, actions
from switchboard.carriers.payments.simulator.state import ACCOUNT, ACCOUNTS
from switchboard.errors import Conflict, Invalid, Unavailable
from switchboard.kit import clock
from tests.actors import tenant
from tests.fakes.stripe import StripeRequest, serve_stripe, stripe_error, stripe_list
from tests.unit.billing.customer import URL, Customer


def open_page(acme: Customer, success: str | None = None, cancel: str | None = None) -> str:
    return checkout.open_checkout(acme.tenant.caller(master=True), acme.org, PlanName.STARTER, success, cancel)


def open_pages(acme: Customer) -> list[str]:
    return [one.plan for one in acme.at_provider.checkouts if one.is_open]


def test_a_repeated_request_gets_the_same_page(acme: Customer) -> None:
    assert acme.order() == acme.order()
    assert len(acme.at_provider.checkouts) == 1
    assert acme.recorded("billing.checkout_opened") == [{"plan": "growth"}]


def test_a_page_for_another_plan_closes_the_first_one(acme: Customer) -> None:
    first = acme.order(PlanName.GROWTH)
    acme.order(PlanName.SCALE)
    assert open_pages(acme) == ["scale"]
    assert actions.pay_checkout(acme.at_provider, first) is None, "nobody can pay there any more"


def test_an_old_page_is_closed_and_replaced(acme: Customer, frozen: clock.FrozenClock) -> None:
    first = acme.order()
    frozen.advance(minutes=56)
    second = acme.order()
    assert second != first
    assert [one.id for one in acme.at_provider.checkouts if one.is_open] == [second]


def test_an_order_that_the_provider_refuses_does_not_hold_the_next_one(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_checkout, refused_keys = SimulatedPayments.open_checkout, set[str]()

    def refuse_first(self: SimulatedPayments, order: CheckoutOrder) -> CheckoutPage:
        # As Stripe, which gives the same answer to a key again.
        if not refused_keys or order.key in refused_keys:
            refused_keys.add(order.key)
            raise RefusedError("no such price")
        return open_checkout(self, order)

    monkeypatch.setattr(SimulatedPayments, "open_checkout", refuse_first)
    with pytest.raises(Conflict) as refused:
        acme.order()
    assert refused.value.code == "payment_refused"
    acme.order()
    assert open_pages(acme) == ["growth"]


def test_an_order_without_a_recorded_page_is_repeated_with_its_key(
    acme: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, open_checkout = [], SimulatedPayments.open_checkout

    def open_and_lose(self: SimulatedPayments, order: CheckoutOrder) -> CheckoutPage:
        opened.append(open_checkout(self, order))
        raise OutcomeUnknownError("lost")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "open_checkout", open_and_lose)
        with pytest.raises(Unavailable) as refused:
            acme.order()
    assert refused.value.code == "payments_unavailable"
    assert acme.order() == opened[0].id
    assert open_pages(acme) == ["growth"]


def test_the_page_of_a_lost_answer_is_closed_by_another_plan(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    open_checkout = SimulatedPayments.open_checkout

    def open_and_lose(self: SimulatedPayments, order: CheckoutOrder) -> CheckoutPage:
        open_checkout(self, order)
        raise OutcomeUnknownError("lost")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "open_checkout", open_and_lose)
        with pytest.raises(Unavailable):
            acme.order(PlanName.GROWTH)
    acme.order(PlanName.SCALE)
    assert open_pages(acme) == ["scale"]


def test_two_requests_at_the_same_time_leave_one_page(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request runs between the order of the first one and its page."""
    acme.order(PlanName.STARTER)
    open_checkout, met = SimulatedPayments.open_checkout, list[bool]()

    def open_slowly(self: SimulatedPayments, order: CheckoutOrder) -> CheckoutPage:
        if not met:
            met.append(True)
            acme.order(PlanName.SCALE)
        return open_checkout(self, order)

    monkeypatch.setattr(SimulatedPayments, "open_checkout", open_slowly)
    with pytest.raises(Conflict) as refused:
        acme.order(PlanName.GROWTH)
    assert refused.value.code == "checkout_replaced"
    assert open_pages(acme) == ["scale"]


def test_an_organization_that_subscribes_gets_no_page(acme: Customer) -> None:
    page = acme.order()
    acme.pay(page)
    # Before any notification: the request reads the subscription itself.
    with pytest.raises(Conflict) as refused:
        acme.order(PlanName.SCALE)
    assert refused.value.code == "subscription_exists"
    assert acme.state == ("active", "growth", False)


def test_a_payment_during_the_request_is_seen(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    page, close = acme.order(), SimulatedPayments.close_checkout

    def pay_first(self: SimulatedPayments, org_id: str, checkout_id: str) -> bool:
        acme.pay(page)
        return close(self, org_id, checkout_id)

    monkeypatch.setattr(SimulatedPayments, "close_checkout", pay_first)
    with pytest.raises(Conflict) as refused:
        acme.order(PlanName.SCALE)
    assert refused.value.code == "checkout_paid"
    assert [one.plan for one in acme.at_provider.subscriptions] == ["growth"]


def test_an_agreement_is_not_on_sale(payments: None) -> None:
    with pytest.raises(Conflict) as refused:
        Customer(tenant("big", PlanName.ENTERPRISE)).order()
    assert refused.value.code == "plan_by_agreement"


def test_a_plan_that_is_too_small_is_not_sold(acme: Customer) -> None:
    commit(organizations.gauge_write(acme.org.id, "agents", 28, None, None))
    with pytest.raises(Conflict) as refused:
        acme.order(PlanName.STARTER)
    assert refused.value.code == "plan_too_small"
    assert "agents" in refused.value.details["fields"]
    acme.order(PlanName.GROWTH)


def test_a_deployment_without_payments_says_so(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PAYMENTS_CARRIER", "none")
    with pytest.raises(Unavailable) as refused:
        acme.order()
    assert refused.value.code == "no_payments"


def test_a_subscription_renews_with_the_month_of_our_books(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.subscribe()
    assert acme.account.period_end == "2026-02-01T00:00:00.000Z"
    other = Customer(tenant("late", PlanName.FREE))
    frozen.advance(seconds=(clock.parse("2026-01-31T23:30:00Z") - clock.now()).total_seconds())
    other.order()
    assert other.account.checkout
    assert other.account.checkout.renews_at is None


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/back",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "https://app.example:8443/",
        "http://app.example/",
        "https://evil.example\\@app.example/",
        "https:app.example",
        "//app.example/",
        "https://app.example/a b",
        "https://app.example\\.evil.example/",
        "javascript:alert(1)",
        "https://app.example/" + "a" * 2_048,
        "https://\u0430pp.example/",
    ],
)
def test_a_page_leads_to_trusted_origins_only(acme: Customer, url: str) -> None:
    for given in ((url, None), (None, url)):
        with pytest.raises(Invalid) as refused:
            open_page(acme, *given)
        assert refused.value.code == "untrusted_url"


def test_own_and_named_origins_are_trusted(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_BILLING_ORIGINS", "https://console.example, http://localhost:3000")
    open_page(acme, "https://APP.example:443/done?id={CHECKOUT_SESSION_ID}", "http://localhost:3000/#back")
    found = acme.at_provider.checkouts[-1]
    assert found.success_url.endswith("/done?id={CHECKOUT_SESSION_ID}")
    open_page(acme, "https://console.example")


def test_the_default_addresses_are_our_own(acme: Customer) -> None:
    open_page(acme)
    found = acme.at_provider.checkouts[-1]
    assert (found.success_url, found.cancel_url) == (
        f"{URL}/console?billing=success",
        f"{URL}/console?billing=canceled",
    )


def test_the_portal_needs_a_customer(acme: Customer) -> None:
    with pytest.raises(Conflict) as refused:
        checkout.open_portal(acme.tenant.caller(master=True))
    assert refused.value.code == "no_customer"
    acme.order()
    url = checkout.open_portal(acme.tenant.caller(master=True))
    assert url.startswith(f"{URL}/stripe/simulator/portal/bps_{acme.tenant.org_id}_")


@pytest.fixture
def stripe_customers(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bool]]:
    """The customers at Stripe, and whether each one still exists there."""
    customers: dict[str, bool] = {}

    def answer(request: StripeRequest) -> tuple[int, Any]:
        named = str(request.given.get("customer") or request.path.removeprefix("/v1/customers/"))
        if (request.method, request.path) == ("POST", "/v1/customers"):
            made = f"cus_{len(customers)}"
            customers[made] = True
            return 200, {"id": made, "object": "customer"}
        if request.method == "GET" and request.path == f"/v1/customers/{named}":
            return 200, {"id": named, "object": "customer", "deleted": not customers[named]}
        if request.method == "GET":
            return 200, stripe_list()
        if not customers[named]:
            return 400, stripe_error("invalid_request_error", "resource_missing")
        return 200, {"id": "made_1", "object": "x", "url": "https://stripe.example/1"}

    with serve_stripe(answer, monkeypatch) as server:
        server.keeps = True
        yield customers


def test_an_organization_whose_customer_was_deleted_subscribes_as_a_new_one(
    acme: Customer, stripe_customers: dict[str, bool], frozen: clock.FrozenClock
) -> None:
    acme.order(PlanName.STARTER)
    stripe_customers["cus_0"] = False
    acme.order(PlanName.GROWTH)
    assert acme.account.customer_id == "cus_1"
    assert store.find_organization("cus_1") == acme.tenant.org_id


def test_the_portal_and_the_address_of_a_deleted_customer(
    acme: Customer, stripe_customers: dict[str, bool], frozen: clock.FrozenClock
) -> None:
    acme.order()
    stripe_customers["cus_0"] = False
    with pytest.raises(Conflict) as refused:
        checkout.open_portal(acme.tenant.caller(master=True))
    assert refused.value.code == "no_customer"
    acme.order()
    stripe_customers["cus_1"] = False
    acme.change(billing_email="pay@acme.example")
    assert (acme.account.email, acme.account.customer_id) == ("pay@acme.example", None)


def test_a_page_is_opened_after_a_failure_of_stripe(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe gives its failure again to the key of the customer or of the page."""
    broken = ["/v1/customers", "/v1/checkout/sessions"]

    def answer(request: StripeRequest) -> tuple[int, Any]:
        if request.method == "GET":
            return 200, stripe_list() if request.given else {"id": "cus_1", "object": "customer"}
        if request.path in broken:
            broken.remove(request.path)
            return 500, stripe_error("api_error")
        return 200, {"id": "made_1", "object": "x", "url": "https://stripe.example/1"}

    with serve_stripe(answer, monkeypatch) as server:
        server.keeps = True
        for _ in (1, 2):
            with pytest.raises(Unavailable):
                acme.order()
        assert acme.order() == "1"


def test_a_customer_is_created_once_and_found_by_its_id(acme: Customer, frozen: clock.FrozenClock) -> None:
    acme.order()
    frozen.advance(hours=2)
    acme.order(PlanName.SCALE)
    assert len(acme.recorded("billing.customer_created")) == 1
    assert store.find_organization(acme.account.customer_id or "") == acme.tenant.org_id
    found = ACCOUNTS.get_object(acme.tenant.org_id, ACCOUNT)
    assert found
    assert found.email == "ada@example.com"
    assert clock.parse(acme.account.updated_at) - clock.parse(acme.account.created_at) == timedelta(hours=2)
