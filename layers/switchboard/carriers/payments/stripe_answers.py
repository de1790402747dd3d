"""The meaning of Stripe's answers: errors of the port for those of the SDK, and keys that are used up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import stripe

from switchboard import telemetry
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.payments.ports.payments import DeclinedError
from switchboard.kit import ids

T = TypeVar("T")
#: The statuses after which nothing happened. A conflict means that the first request with this key is in progress.
_BUSY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
#: A meter event with a known identifier is refused without a code of its own.
_KNOWN_EVENT = "event already exists with identifier"


@contextmanager
def writing() -> Iterator[None]:
    """Raises errors of the port. A write whose answer is lost may have happened."""
    with _failing(unknown=OutcomeUnknownError):
        yield


@contextmanager
def reading() -> Iterator[None]:
    """Raises ThrottledError for each failure. A refused read says nothing about the customer.

    Stripe also refuses for a wrong setting of this deployment: the key of another account, or a retired version.
    """
    try:
        with _failing(unknown=ThrottledError):
            yield
    except RefusedError as refused:
        telemetry.logger().error("the provider of payments refuses a read", extra={"reason": str(refused)})
        raise ThrottledError(str(refused)) from refused


def send_once(key: str, send: Callable[[Any], T]) -> T:
    """Sends a write with its key, as `send` does with the options it gets.

    Stripe gives the first answer to a key again for a day, and also if that answer was a failure of Stripe. Such a key
    is used up, so the write is then sent with another one. All writes of the port bear that: a second customer, page
    or session is one that nobody knows, a change is already made, and a meter event has its own identifier.
    """
    try:
        return send({"idempotency_key": key})
    except stripe.StripeError as error:
        if not _is_used_up(error):
            raise
    return send({"idempotency_key": f"{key}:{ids.new_id('again')}"})


def _is_used_up(error: stripe.StripeError) -> bool:
    headers = {str(name).lower(): str(value).lower() for name, value in (error.headers or {}).items()}
    failed = (error.http_status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    return failed and headers.get("idempotent-replayed") == "true"


def is_known_event(error: stripe.InvalidRequestError) -> bool:
    """Whether Stripe refuses a meter event because it has it already."""
    return _KNOWN_EVENT in str(error.user_message or error)


@contextmanager
def _failing(unknown: type[Exception]) -> Iterator[None]:
    """Raises errors of the port for those of the SDK. `unknown` is for an answer that is lost or cannot be read."""
    try:
        yield
    except stripe.CardError as error:
        raise DeclinedError(str(error.code or "card_declined")) from error
    except stripe.APIConnectionError as error:
        raise unknown(type(error).__name__) from error
    except stripe.StripeError as error:
        reason, status = str(error.code or type(error).__name__), error.http_status or 0
        if status in _BUSY:
            # With wrong credentials of this deployment, too, nothing happened, and it may work later.
            raise ThrottledError(reason) from error
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not status:
            raise unknown(reason) from error
        if status == HTTPStatus.PAYMENT_REQUIRED:
            raise DeclinedError(reason) from error
        raise RefusedError(reason) from error
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        # The answer does not have the form of this version of the API.
        raise unknown(type(error).__name__) from error
