"""Subscriptions, and the use that is billed by unit."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Day, Digest, EventType, Id, Timestamp


class CustomerCreated(TypedDict):
    customer: Annotated[Id, "The customer's id at the provider of payments."]


class CustomerDeleted(TypedDict):
    customer: Annotated[Id, "The customer that the provider of payments has no longer."]


class CheckoutOpened(TypedDict):
    plan: Annotated[Code, "The plan on the page."]


class SubscriptionChanged(TypedDict):
    before: Annotated[Code, "The status before."]
    status: Annotated[Code, "The status from now on."]
    plan: Annotated[Code | None, "The plan of the subscription; null without a subscription."]
    period_end: Annotated[Timestamp | None, "When the paid period ends; null without a subscription."]
    cancel_at_period_end: Annotated[bool, "Whether the subscription ends with this period."]


class BillingAddressChanged(TypedDict):
    address: Annotated[Digest, "The new address."]


class UseReported(TypedDict):
    day: Annotated[Day, "The day of the use (UTC)."]
    month: NotRequired[Annotated[Code, "The month (UTC) that the use counts in, as 2026-02."]]
    meter: Annotated[Code, "The kind of use."]
    units: Annotated[Count, "The units beyond the plan that are billed."]
    outcome: Annotated[
        Code, "`sent`, `refused` by the provider, or `unconfirmed`: the provider may have accepted the units."
    ]


TYPES = (
    EventType(
        "billing.customer_created",
        "The provider of payments has a customer for the organization.",
        "organization",
        CustomerCreated,
    ),
    EventType(
        "billing.customer_deleted",
        "The provider of payments has deleted the organization's customer. The next checkout creates another one.",
        "organization",
        CustomerDeleted,
    ),
    EventType("billing.checkout_opened", "A page for paying was ordered.", "organization", CheckoutOpened),
    EventType(
        "billing.subscription_changed",
        "A subscription began, changed, became unpaid or paid, or ended.",
        "organization",
        SubscriptionChanged,
    ),
    EventType("billing.address_changed", "The address for invoices changed.", "organization", BillingAddressChanged),
    EventType(
        "billing.use_reported",
        "Use of a day beyond the plan was reported to the provider of payments.",
        "organization",
        UseReported,
    ),
)
