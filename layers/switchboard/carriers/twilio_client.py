"""Twilio's SDK as the adapters use it: its client, and its errors in our own terms.

Settings: TWILIO_ACCOUNT_SID (the main account), TWILIO_SECRET, the name of a secret in Secrets Manager with its token,
and TWILIO_API_URL, only for tests. The main account acts for its subaccounts.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from math import inf
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.rest import Client

from switchboard.aws import secret
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.twilio_http import DeadlineHttpClient
from switchboard.kit import settings

T = TypeVar("T")

_NOT_FOUND = 20404
#: The errors of the SDK: a refusal, or a response that it cannot read.
SDK_ERRORS = (TwilioException, ValueError, KeyError, TypeError, AttributeError)


def make_http_client(seconds: float, request_seconds: float = inf) -> HttpClient:
    """Returns the HTTP client of one call of a port. All its requests together have `seconds`, and each has a limit."""
    return DeadlineHttpClient(seconds, settings.text("TWILIO_API_URL", ""), request_seconds)


def make_client(http: HttpClient) -> Any:
    """Returns the SDK's client of the main account."""
    token = secret.active_secrets(settings.text("TWILIO_SECRET"))[0]
    return Client(settings.text("TWILIO_ACCOUNT_SID"), token, http_client=http)


def ask_twilio(question: Callable[[], T]) -> T | None:
    """Returns the answer to a request that may be repeated, `None` for something that does not exist."""
    try:
        return question()
    except TwilioRestException as error:
        if error.status == HTTPStatus.NOT_FOUND or error.code == _NOT_FOUND:
            return None
        raise failure_of(error, writing=False) from error
    except SDK_ERRORS as error:
        raise failure_of(error, writing=False) from error


def failure_of(error: Exception, *, writing: bool) -> Exception:
    """Returns the error of a port for an error of the SDK. A fault while writing has an unknown outcome."""
    if not isinstance(error, TwilioRestException):
        # The response could not be read.
        return OutcomeUnknownError(type(error).__name__)
    reason = f"{error.code or error.status}"
    if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        # With wrong credentials of this deployment, too, nothing happened, and it may work later.
        return ThrottledError(reason)
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return OutcomeUnknownError(reason) if writing else ThrottledError(reason)
    return RefusedError(f"Twilio's error {reason}")
