"""The provider of payments (`port`): Stripe, a simulator, or none."""

from __future__ import annotations

from switchboard.carriers.payments.port import Payments
from switchboard.errors import Unavailable
from switchboard.kit import settings

__all__ = ["get_payments", "payments_name"]


def payments_name() -> str:
    """Returns the provider that the setting PAYMENTS_CARRIER names: `stripe`, `simulator` or `none`.

    The simulator is the default of the local stack. Elsewhere it must be named: with it, everybody subscribes for
    nothing.
    """
    return settings.text("PAYMENTS_CARRIER", "simulator" if settings.stage() == "local" else "none")


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
