"""Requests for the plan and the subscription of an organization."""

from __future__ import annotations

from tests.contract.console import Console
from tests.contract.world import Ask


def _portal(org: Console) -> Ask:
    # The first checkout creates the customer.
    org.admin.post("/api/billing/checkout", {"plan": "starter"})
    return Ask("POST", "/api/billing/portal")


GOOD = {
    "getBilling": lambda _: Ask("GET", "/api/billing"),
    "createBillingCheckout": lambda _: Ask("POST", "/api/billing/checkout", {"plan": "growth"}),
    "createBillingPortal": _portal,
    "updateBillingSubscription": lambda _: Ask(
        "PATCH", "/api/billing/subscription", {"overage_cap_cents": None, "billing_email": "money@example.com"}
    ),
}
