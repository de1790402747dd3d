"""Registers brands and campaigns at Twilio, each organization's in its own subaccount."""

from __future__ import annotations

from collections.abc import Callable

from twilio.http import HttpClient

from switchboard.carriers import twilio_client
from switchboard.carriers.registrations.ports.registry import (
    SECONDS,
    RegistrationOrder,
    RegistrationPart,
    RegistryReview,
)
from switchboard.carriers.registrations.twilio import registrations
from switchboard.carriers.registrations.twilio.client import make_account_client
from switchboard.carriers.registrations.twilio.steps import steps_of

#: The longest time of one request of a step.
_REQUEST_SECONDS = 5.0


def _make_http_client() -> HttpClient:
    return twilio_client.make_http_client(SECONDS, _REQUEST_SECONDS)


class TwilioRegistry:
    """Twilio's registry. `http` makes the HTTP client of one call of the port."""

    name = "twilio"
    #: TrustHub asks for a company's legal form and industry in its own words, and for a representative.
    required_fields = frozenset(
        {
            *("website", "business_type", "business_industry"),
            *("first_name", "last_name", "business_title", "job_position"),
        }
    )
    test_eins: frozenset[str] = frozenset()

    def __init__(self, http: Callable[[], HttpClient] = _make_http_client) -> None:
        self._http = http

    def next_step(self, order: RegistrationOrder, part: RegistrationPart) -> str | None:
        """Returns the first step that is not done."""
        return next((step for step in steps_of(order, part) if step not in order.done), None)

    def perform_step(self, order: RegistrationOrder, step: str) -> str:
        """Does a step in the organization's subaccount."""
        steps = steps_of(order, "brand") | steps_of(order, "campaign")
        return steps[step](make_account_client(self._http(), order.org_id), order)

    def fetch_review(self, order: RegistrationOrder, part: RegistrationPart) -> RegistryReview:
        """Returns the verdict on the brand or the campaign."""
        client = make_account_client(self._http(), order.org_id)
        review = registrations.review_brand if part == "brand" else registrations.review_campaign
        return review(client, order)

    def send_verification(self, order: RegistrationOrder) -> None:
        """Has Twilio send the text with a new code."""
        registrations.send_code(make_account_client(self._http(), order.org_id), order)

    def add_number(self, order: RegistrationOrder, number_sid: str) -> None:
        """Adds a number to the campaign's messaging service."""
        registrations.add_sender(make_account_client(self._http(), order.org_id), order, number_sid)
