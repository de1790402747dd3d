"""The provider of payments (`ports`): Stripe, a simulator, or none."""

from __future__ import annotations

from switchboard.carriers.payments.ports.choice import payments_name
from switchboard.carriers.payments.ports.payments import Payments
from switchboard.errors import Unavailable

__all__ = ["get_payments", "payments_name"]


def get_payments(*, patient: bool = False) -> Payments:
    """Returns the configured provider. Raises Unavailable if there is none.

    A `patient` worker repeats requests and waits longer. A person's request fails after one attempt.
    """
    name = payments_name()
    if name == "stripe":
        from switchboard.carriers.payments.stripe_payments import StripePayments  # for cold start: the SDK is large

        return StripePayments(patient=patient)
    if name == "simulator":
        from switchboard.carriers.payments.simulator import SimulatedPayments  # for cold start: one provider only

        return SimulatedPayments()
    raise Unavailable("No provider of payments is configured: ask the operator of this deployment.", code="no_payments")
