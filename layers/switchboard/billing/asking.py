"""The provider's answers to a person's request, as errors that the person may read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from switchboard import telemetry
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.payments.ports.payments import AuthenticationRequiredError, DeclinedError
from switchboard.errors import Conflict, QuotaExceeded, Unavailable

_RETRY_SECONDS = 5


@contextmanager
def asking_provider() -> Iterator[None]:
    """Raises Unavailable, Conflict or QuotaExceeded for the errors of the port. The same request may be sent again."""
    try:
        yield
    except DeclinedError as declined:
        raise QuotaExceeded(
            "The card was declined: update it in the billing portal, then try again.", code="payment_declined"
        ) from declined
    except AuthenticationRequiredError as asked:
        raise QuotaExceeded(
            "Your bank asks you to confirm the payment: open the invoice at the `url` in `details`, and pay it there"
            " within 23 hours. The plan then changes.",
            code="authentication_required",
            url=asked.url,
        ) from asked
    except RefusedError as refused:
        telemetry.logger().warning("the provider of payments refuses", extra={"reason": str(refused)})
        raise Conflict(
            "The payment provider refused this: get the billing summary, which shows the current state.",
            code="payment_refused",
        ) from refused
    except (ThrottledError, OutcomeUnknownError) as silent:
        telemetry.emit_metric("PaymentsUnavailable")
        raise Unavailable(
            "The payment provider does not answer: send the same request again in a few seconds.",
            code="payments_unavailable",
            retry_after=_RETRY_SECONDS,
        ) from silent
