"""Twilio's client of an organization's own account, which owns its brand, its messaging service and its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.rest import Client

from switchboard.carriers import twilio_client
from switchboard.carriers.outcomes import RefusedError, ThrottledError
from switchboard.carriers.registrations.ports.registry import RegistrationRefusedError, RegistryIssue
from switchboard.carriers.twilio_client import SDK_ERRORS, ask_twilio
from switchboard.carriers.twilio_subaccounts import find_subaccount

T = TypeVar("T")
#: The most things of a kind that a look-up reads. An organization has one or two of each.
MAX_LISTED = 200


def make_account_client(http: HttpClient, org_id: str) -> Any:
    """Returns the SDK's client of the organization's subaccount.

    TrustHub and messaging services have no account in their paths: they belong to the account that signs in. Raises
    RefusedError without a subaccount, which the first number opens.
    """
    account = find_subaccount(org_id)
    if account is None:
        raise RegistrationRefusedError(
            [RegistryIssue("no_number", "The organization has no number yet: buy a local number first.")]
        )
    main = twilio_client.make_client(http)
    found = ask_twilio(lambda: main.api.v2010.accounts(account).fetch())
    if found is None:
        raise ThrottledError("the subaccount is not there")
    return Client(account, found.auth_token, http_client=http)


def require_answer(question: Callable[[], T]) -> T:
    """Returns the answer of a request that may be repeated. Raises RefusedError for something that is gone."""
    found = ask_twilio(question)
    if found is None:
        raise RefusedError("the thing is gone")
    return found


def write_once(request: Callable[[], T]) -> T:
    """Sends a request that makes or changes something. Raises the errors of the port."""
    try:
        return request()
    except TwilioRestException as error:
        failure = twilio_client.failure_of(error, writing=True)
        if isinstance(failure, RefusedError):
            code, text = str(error.code or error.status), str(error.msg or failure)
            raise RegistrationRefusedError([RegistryIssue(code, text[:500])]) from error
        raise failure from error
    except SDK_ERRORS as error:
        raise twilio_client.failure_of(error, writing=True) from error
