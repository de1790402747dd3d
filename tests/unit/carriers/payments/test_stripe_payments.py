"""Stripe by its official SDK: the requests on the wire, and the meaning of its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.payments import get_payments
from switchboard.carriers.payments import stripe_payments as adapter
from switchboard.carriers.payments.ports import webhook
from switchboard.carriers.payments.ports.payments import (
    AuthenticationRequiredError,
    CheckoutOrder,
    CustomerGoneError,
    DeclinedError,
    MeteredUse,
    PaidSubscription,
    Payments,
    SubscriptionChange,
)
from tests.fakes.stripe import StripeRequest, StripeServer, serve_stripe, stripe_error, stripe_list

ORDER = CheckoutOrder("org_1", "cus_1", "growth", "https://a.example/", "https://a.example/no", 1_800, 2_600, "key-1")

_OF_TAX = ("automatic_tax", "billing_address_collection", "tax_id_collection", "customer_update")


def item(price: str, start: int = 1_767_225_600, end: int = 1_769_904_000) -> dict[str, Any]:
    period = {"current_period_start": start, "current_period_end": end}
    return {"id": f"si_{price}", "object": "subscription_item", "price": {"id": price, "object": "price"}, **period}


def subscription(id_: str = "sub_1", status: str = "active", *prices: str, **facts: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "object": "subscription",
        "status": status,
        "created": 5,
        "cancel_at_period_end": False,
        "cancel_at": None,
        "items": stripe_list(*map(item, prices or ("price_minutes", "price_growth"))),
        **facts,
    }


@pytest.fixture
def server(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeServer]:
    with serve_stripe(lambda _: (200, {}), monkeypatch) as found:
        yield found


@pytest.fixture
def payments(server: StripeServer) -> Payments:
    return get_payments()


def answers(server: StripeServer, status: int, content: Any) -> None:
    server.answer = lambda _: (status, content)


def test_a_customer_names_its_organization(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, {"id": "cus_1", "object": "customer"})
    assert payments.create_customer("org_1", "Acme", "a@example.com", "key-1") == "cus_1"
    (sent,) = server.requests
    assert (sent.method, sent.path, sent.key) == ("POST", "/v1/customers", "key-1")
    assert (sent.version, sent.token) == (adapter.API_VERSION, "Bearer sk_test_1")
    assert sent.given == {"name": "Acme", "email": "a@example.com", "metadata[org_id]": "org_1"}


def test_a_checkout_has_the_plan_the_metered_prices_and_the_renewal(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, {"id": "cs_1", "object": "checkout.session", "url": "https://checkout.stripe.example/1"})
    page = payments.open_checkout(ORDER)
    assert (page.id, page.url) == ("cs_1", "https://checkout.stripe.example/1")
    (sent,) = server.requests
    assert (sent.path, sent.key) == ("/v1/checkout/sessions", "key-1")
    assert sent.given == {
        "mode": "subscription",
        "customer": "cus_1",
        "client_reference_id": "org_1",
        "line_items[0][price]": "price_growth",
        "line_items[0][quantity]": "1",
        "line_items[1][price]": "price_minutes",
        "line_items[2][price]": "price_segments",
        "success_url": "https://a.example/",
        "cancel_url": "https://a.example/no",
        "expires_at": "1800",
        "subscription_data[metadata][org_id]": "org_1",
        "subscription_data[billing_cycle_anchor]": "2600",
        "subscription_data[proration_behavior]": "create_prorations",
    }


def test_a_checkout_with_tax_asks_for_the_address_and_the_tax_id(
    server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRIPE_AUTOMATIC_TAX", "true")
    answers(server, 200, {"id": "cs_1", "object": "checkout.session", "url": "https://checkout.stripe.example/1"})
    get_payments().open_checkout(ORDER)
    given = server.requests[-1].given
    taxed = {name: value for name, value in given.items() if name.split("[")[0] in _OF_TAX}
    assert taxed == {
        "automatic_tax[enabled]": "true",
        "billing_address_collection": "required",
        "tax_id_collection[enabled]": "true",
        "customer_update[address]": "auto",
        "customer_update[name]": "auto",
    }


def test_a_page_that_was_paid_cannot_be_closed(server: StripeServer, payments: Payments) -> None:
    assert payments.close_checkout("org_1", "cs_1")

    def answer(status: str) -> Callable[[StripeRequest], tuple[int, Any]]:
        def find(request: StripeRequest) -> tuple[int, Any]:
            if request.method == "POST":
                return 400, stripe_error("invalid_request_error")
            return 200, {"id": "cs_1", "object": "checkout.session", "status": status}

        return find

    server.answer = answer("complete")
    assert not payments.close_checkout("org_1", "cs_1")
    server.answer = answer("expired")
    assert payments.close_checkout("org_1", "cs_1")


def test_the_subscription_that_runs_is_read_from_its_plans_item(server: StripeServer, payments: Payments) -> None:
    ended = subscription("sub_0", "canceled", created=9)
    answers(server, 200, stripe_list(ended, subscription(cancel_at=1_769_904_000)))
    assert payments.fetch_subscription("org_1", "cus_1") == PaidSubscription(
        "sub_1", "active", "growth", "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", True, 5
    )
    assert server.requests[0].given == {"customer": "cus_1", "status": "all", "limit": "100"}
    answers(server, 200, stripe_list(subscription("sub_2", "trialing", "price_other")))
    found = payments.fetch_subscription("org_1", "cus_1")
    assert found
    assert (found.plan, found.status) == (None, "trialing")
    answers(server, 200, stripe_list())
    assert payments.fetch_subscription("org_1", "cus_1") is None


def test_only_the_customer_itself_says_that_it_is_gone(server: StripeServer, payments: Payments) -> None:
    def answer(request: StripeRequest) -> tuple[int, Any]:
        if request.path == "/v1/customers/cus_1":
            return 200, {"id": "cus_1", "object": "customer", "deleted": True}
        return 200, stripe_list(subscription("sub_1", "canceled", ended_at=1_769_000_000))

    server.answer = answer
    with pytest.raises(CustomerGoneError):
        payments.fetch_subscription("org_1", "cus_1")


def test_the_end_of_a_subscription_is_read(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, stripe_list(subscription("sub_1", "canceled", ended_at=1_769_000_000)))
    found = payments.fetch_subscription("org_1", "cus_1")
    assert found
    assert found.ended_at == "2026-01-21T12:53:20.000Z"


def test_a_subscription_behind_many_ended_ones_is_found(server: StripeServer, payments: Payments) -> None:
    def answer(request: StripeRequest) -> tuple[int, Any]:
        if "starting_after" in request.given:
            return 200, stripe_list(subscription("sub_live"))
        ended = [subscription(f"sub_{number}", "incomplete_expired", created=9) for number in range(100)]
        return 200, {**stripe_list(*ended), "url": "/v1/subscriptions", "has_more": True}

    server.answer = answer
    found = payments.fetch_subscription("org_1", "cus_1")
    assert found
    assert found.id == "sub_live"


def test_a_plan_is_changed_on_its_item_and_charged_at_once(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, subscription())
    payments.change_subscription(SubscriptionChange("org_1", "sub_1", "scale", None, "key-1"))
    read, sent = server.requests
    assert (read.method, sent.method, sent.key) == ("GET", "POST", "key-1")
    assert sent.given == {
        "items[0][id]": "si_price_growth",
        "items[0][price]": "price_scale",
        "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete",
    }


def pending(intent: str | None, invoice: Any = "in_1") -> Callable[[StripeRequest], tuple[int, Any]]:
    """Answers with a change that waits for the payment of its invoice, whose payment is in a state."""

    def answer(request: StripeRequest) -> tuple[int, Any]:
        if request.path == "/v1/invoice_payments":
            payment = {"type": "payment_intent", "payment_intent": {"id": "pi_1", "object": "x", "status": intent}}
            return 200, stripe_list({"id": "inpay_1", "object": "invoice_payment", "payment": payment})
        if request.path == "/v1/invoices/in_1":
            return 200, {"id": "in_1", "object": "invoice", "hosted_invoice_url": "https://invoice.stripe.example/1"}
        waits = {"expires_at": 1_769_904_000, "subscription_items": []} if request.method == "POST" else None
        return 200, subscription(pending_update=waits, latest_invoice=invoice)

    return answer


def test_a_bank_that_asks_the_cardholder_is_told_with_the_invoice(server: StripeServer, payments: Payments) -> None:
    server.answer = pending("requires_action")
    with pytest.raises(AuthenticationRequiredError) as refused:
        payments.change_subscription(SubscriptionChange("org_1", "sub_1", "scale", True, "key-1"))
    assert refused.value.url == "https://invoice.stripe.example/1"
    changed = [one.given for one in server.requests if one.method == "POST"]
    assert len(changed) == 1, "the end stays too"
    assert "cancel_at_period_end" not in changed[0], "Stripe refuses it together with a change that may wait"


def test_a_declined_change_is_withdrawn(server: StripeServer, payments: Payments) -> None:
    server.answer = pending("requires_payment_method")
    with pytest.raises(DeclinedError):
        payments.change_subscription(SubscriptionChange("org_1", "sub_1", "scale", None, "key-1"))
    assert server.requests[-1].path == "/v1/invoices/in_1/void", "a later payment of it would change the plan"


def test_plan_and_end_are_changed_one_after_the_other(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, subscription())
    payments.change_subscription(SubscriptionChange("org_1", "sub_1", "scale", True, "key-1"))
    first, second = [one for one in server.requests if one.method == "POST"]
    assert first.given["items[0][price]"] == "price_scale"
    assert second.given == {"cancel_at_period_end": "true"}
    assert first.key != second.key


def test_a_plan_that_is_paid_already_is_not_charged(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, subscription())
    payments.change_subscription(SubscriptionChange("org_1", "sub_1", "starter", None, "key-1", paid=True))
    assert server.requests[-1].given["proration_behavior"] == "none"


def test_an_end_is_changed_alone(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, subscription())
    payments.change_subscription(SubscriptionChange("org_1", "sub_1", None, False, "key-1"))
    payments.change_subscription(SubscriptionChange("org_1", "sub_1", None, True, "key-2"))
    assert [one.given for one in server.requests if one.method == "POST"] == [
        {"cancel_at_period_end": "false"},
        {"cancel_at_period_end": "true"},
    ]


def test_an_end_that_the_portal_has_dated_is_taken_back(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, subscription(cancel_at=1_769_904_000))
    payments.change_subscription(SubscriptionChange("org_1", "sub_1", None, False, "key-1"))
    assert server.bodies[-1] == "cancel_at="


def test_a_subscription_ends_at_once_with_a_last_invoice(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, subscription(status="canceled"))
    payments.end_subscription("org_1", "sub_1", "end:sub_1")
    (sent,) = server.requests
    assert (sent.method, sent.path, sent.key) == ("DELETE", "/v1/subscriptions/sub_1", "end:sub_1")
    assert sent.given == {"invoice_now": "true", "prorate": "false"}
    answers(server, 404, stripe_error("invalid_request_error", "resource_missing"))
    with pytest.raises(RefusedError):
        payments.end_subscription("org_1", "sub_1", "end:sub_1")


def test_use_has_an_identifier_and_a_key(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, {"object": "billing.meter_event", "identifier": "k"})
    payments.report_use(MeteredUse("org_1", "cus_1", "voice_basic", 7, 1_769_903_999, "org_1:2026-01-31:voice_basic"))
    (sent,) = server.requests
    assert (sent.path, sent.key) == ("/v1/billing/meter_events", "org_1:2026-01-31:voice_basic:1769903999")
    assert sent.given == {
        "event_name": "switchboard_voice_basic",
        "identifier": "org_1:2026-01-31:voice_basic",
        "timestamp": "1769903999",
        "payload[stripe_customer_id]": "cus_1",
        "payload[value]": "7",
    }


def test_use_that_stripe_has_already_is_reported(server: StripeServer, payments: Payments) -> None:
    use = MeteredUse("org_1", "cus_1", "voice_basic", 7, 1_769_903_999, "org_1:2026-01-31:voice_basic")
    known = f"An event already exists with identifier {use.key}."
    answers(server, 400, stripe_error("invalid_request_error", "", known))
    payments.report_use(use)
    answers(server, 400, stripe_error("invalid_request_error", "", "No such meter."))
    with pytest.raises(RefusedError):
        payments.report_use(use)


def test_a_key_whose_answer_was_a_failure_is_replaced(server: StripeServer, payments: Payments) -> None:
    """Stripe gives a failure of its own again for a day to each request with the same key."""
    server.keeps = True
    writes: list[tuple[Callable[[], object], Any]] = [
        (lambda: payments.create_customer("org_1", "Acme", None, "a"), {"id": "cus_1", "object": "customer"}),
        (lambda: payments.change_email("org_1", "cus_1", "b@example.com", "b"), {"id": "cus_1", "object": "customer"}),
        (lambda: payments.open_checkout(ORDER), {"id": "cs_1", "object": "x", "url": "https://x.example/"}),
        (lambda: payments.open_portal("org_1", "cus_1", "https://a.example/", "c"), {"id": "b", "url": "https://x/"}),
        (lambda: payments.close_checkout("org_1", "cs_1"), {"id": "cs_1", "object": "x"}),
        (
            lambda: payments.change_subscription(SubscriptionChange("org_1", "sub_1", None, True, "d")),
            {"id": "sub_1", "object": "subscription"},
        ),
        (lambda: payments.report_use(MeteredUse("org_1", "cus_1", "sms", 7, 1, "e")), {"identifier": "e"}),
    ]
    for write, content in writes:
        answers(server, 500, stripe_error("api_error"))
        with pytest.raises(OutcomeUnknownError):
            write()
        answers(server, 200, content)
        write()
        first, again, last = [one.key or "" for one in server.requests]
        assert first == again
        assert last.startswith(f"{first}:again_")
        server.requests.clear()


def test_the_portal_and_the_address(server: StripeServer, payments: Payments) -> None:
    answers(server, 200, {"id": "bps_1", "object": "billing_portal.session", "url": "https://billing.stripe.example/1"})
    assert payments.open_portal("org_1", "cus_1", "https://a.example/", "key-1") == "https://billing.stripe.example/1"
    answers(server, 200, {"id": "cus_1", "object": "customer"})
    payments.change_email("org_1", "cus_1", "b@example.com", "key-2")
    assert [(one.path, one.key) for one in server.requests] == [
        ("/v1/billing_portal/sessions", "key-1"),
        ("/v1/customers/cus_1", "key-2"),
    ]


@pytest.mark.parametrize(
    ("status", "content", "writing", "reading"),
    [
        (402, stripe_error("card_error", "card_declined"), DeclinedError, ThrottledError),
        # A read is also refused for a retired version of the API, and with the key of another account.
        (400, stripe_error("invalid_request_error"), RefusedError, ThrottledError),
        (404, stripe_error("invalid_request_error", "resource_missing"), RefusedError, ThrottledError),
        (401, stripe_error("invalid_request_error"), ThrottledError, ThrottledError),
        (403, stripe_error("invalid_request_error"), ThrottledError, ThrottledError),
        (409, stripe_error("idempotency_error"), ThrottledError, ThrottledError),
        (429, stripe_error("invalid_request_error"), ThrottledError, ThrottledError),
        (500, stripe_error("api_error"), OutcomeUnknownError, ThrottledError),
        (0, None, OutcomeUnknownError, ThrottledError),
        (200, [], OutcomeUnknownError, ThrottledError),
    ],
)
def test_the_errors_of_the_sdk_are_those_of_the_port(
    server: StripeServer, payments: Payments, status: int, content: Any, writing: type, reading: type
) -> None:
    answers(server, status, content)
    with pytest.raises(writing) as failed:
        payments.open_checkout(ORDER)
    assert failed.type is writing
    with pytest.raises(reading) as failed:
        payments.fetch_subscription("org_1", "cus_1")
    assert failed.type is reading
    assert len(server.requests) == 2, "a person's request is not repeated"


def test_a_plan_without_a_price_is_refused(server: StripeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRIPE_PRICES", "starter=price_starter")
    with pytest.raises(RefusedError, match="growth"):
        get_payments().open_checkout(ORDER)
    assert server.requests == []


def test_a_worker_repeats_a_request_with_its_key(server: StripeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_: 0)
    patient = get_payments(patient=True)
    answers(server, 500, stripe_error("api_error"))
    with pytest.raises(OutcomeUnknownError):
        patient.open_checkout(ORDER)
    assert [one.key for one in server.requests] == ["key-1"] * 3


def test_the_secrets_of_the_endpoint_are_those_of_a_rotation(server: StripeServer) -> None:
    assert tuple(webhook.active_secrets()) == ("whsec_new", "whsec_old")


def test_a_debt_is_an_invoice_that_was_charged_and_not_paid(server: StripeServer, payments: Payments) -> None:
    def owes(status: str, *, attempted: bool = True, reason: str = "subscription_cycle") -> bool:
        facts = {"status": status, "attempted": attempted, "billing_reason": reason}
        invoice = {"id": "in_1", "object": "invoice", **facts}
        lists = {"/v1/invoices": stripe_list(invoice)}
        server.answer = lambda request: (200, lists.get(request.path, stripe_list()))
        return payments.has_debt("org_1", "cus_1")

    assert owes("open")
    assert owes("uncollectible")
    assert not any(owes(status) for status in ("paid", "void"))
    assert not any(owes(status, attempted=False) for status in ("draft", "open"))
    assert not owes("open", reason="subscription_create"), "nothing was used before the first payment"
    asked = [one.given for one in server.requests if one.path == "/v1/invoices"]
    assert asked[-1] == {"customer": "cus_1", "limit": "100"}


@pytest.mark.parametrize(
    ("status", "metadata", "expected"),
    [
        *((status, {}, True) for status in ("needs_response", "under_review", "appeal_under_review", "lost")),
        *((status, {}, False) for status in ("warning_needs_response", "warning_closed", "won", "prevented")),
        ("lost", {"switchboard_settled": "2026-02-01"}, False),
    ],
)
def test_a_dispute_that_has_taken_the_money_is_a_debt(
    server: StripeServer, payments: Payments, status: str, metadata: dict[str, str], expected: bool
) -> None:
    charges = [{"id": f"ch_{number}", "object": "charge", "disputed": number == 1} for number in range(3)]

    def answer(request: StripeRequest) -> tuple[int, Any]:
        if request.path == "/v1/charges":
            return 200, stripe_list(*charges)
        if request.path == "/v1/disputes":
            found = {"id": "du_1", "object": "dispute", "status": status, "metadata": metadata}
            return 200, stripe_list(found)
        return 200, stripe_list()

    server.answer = answer
    assert payments.has_debt("org_1", "cus_1") is expected
    assert [one.given["charge"] for one in server.requests if one.path == "/v1/disputes"] == ["ch_1"]


def test_the_customer_of_a_charge_is_read(server: StripeServer, payments: Payments) -> None:
    for customer in ("cus_1", {"id": "cus_1", "object": "customer"}):
        answers(server, 200, {"id": "ch_1", "object": "charge", "customer": customer})
        assert payments.find_payer("ch_1") == "cus_1"
    assert server.requests[-1].path == "/v1/charges/ch_1"
    answers(server, 200, {"id": "ch_1", "object": "charge", "customer": None})
    assert payments.find_payer("ch_1") is None
