"""Twilio's messages: hands texts over through the SDK, and searches for one with an unknown outcome.

A text is sent from a number of the organization's subaccount. A request to send is sent once. Without a readable answer
its outcome is unknown, and Twilio's reports, which come to a URL with our id of the text, decide. If none comes,
`find_text` searches for the text: Twilio has no field for our id, so numbers, time and body are compared.

Settings: those of `carriers.twilio_client`, and PUBLIC_URL for the callbacks.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from twilio.base.exceptions import TwilioRestException

from switchboard.aws import clients
from switchboard.carriers import twilio_client
from switchboard.carriers.messages.ports.messenger import (
    SEARCH_WINDOW,
    SECONDS,
    AcceptedText,
    FoundText,
    OutgoingText,
    TextRefusedError,
)
from switchboard.carriers.messages.twilio import callbacks, urls
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.twilio_client import SDK_ERRORS, ask_twilio
from switchboard.carriers.twilio_subaccounts import find_subaccount
from switchboard.kit import settings

#: The most texts between two numbers that a search reads.
_MOST_LISTED = 200
#: How far Twilio's clock may differ from ours.
_CLOCK_TOLERANCE = timedelta(minutes=1)
#: Twilio takes no more now: 14107, 20429 and 63038 too many requests or texts, 21611 its queue of the number is full.
_TOO_MANY = frozenset({14107, 20429, 21611, 63038})
#: The codes of rejected messages begin here. Other codes speak of the request or the account.
_MESSAGE_CODES = range(21_000, 22_000)
#: The validity periods that Twilio accepts, in seconds.
_VALIDITY = range(1, 36_001)
_FAILED = frozenset({"failed", "undelivered", "canceled"})


class TwilioMessenger:
    """The texts of this deployment's account at Twilio, by the subaccounts of organizations."""

    def send_text(self, text: OutgoingText) -> AcceptedText:
        """Hands a text to Twilio (`POST …/Messages.json`), once."""
        # First everything that can fail without a request.
        given = _new_message_fields(text)
        if not settings.text("TWILIO_SECRET", ""):
            raise ThrottledError("this function has no credentials for Twilio")
        account = find_subaccount(text.org_id)
        if account is None:
            raise TextRefusedError("the organization has no account at Twilio: buy a number first")
        try:
            messages = _messages_of(account)
        except clients.ClientError as error:
            raise ThrottledError("the secret of the account cannot be read") from error
        try:
            made = messages.create(**given)
            return _read_accepted(made)
        except SDK_ERRORS as error:
            raise _failure(error) from error

    def find_text(self, text: OutgoingText, since: datetime) -> FoundText | None:
        """Searches the texts between the two numbers. Raises OutcomeUnknownError."""
        if not settings.text("TWILIO_SECRET", ""):
            raise OutcomeUnknownError("this function has no credentials for Twilio")
        account = find_subaccount(text.org_id)
        if account is None:
            # Without an account nothing was ever sent.
            return None
        numbers = {"to": text.to_number, "from_": text.from_number}
        try:
            # No filter by DateSent: a text that still waits at Twilio has none.
            messages = _messages_of(account)
            listed = ask_twilio(lambda: messages.list(**numbers, limit=_MOST_LISTED))
        except (RefusedError, ThrottledError, clients.ClientError) as error:
            raise OutcomeUnknownError(str(error)) from error
        if listed is None:
            raise OutcomeUnknownError("the account is gone")
        begin, end = since - _CLOCK_TOLERANCE, since + SEARCH_WINDOW + _CLOCK_TOLERANCE
        # Twilio lists the newest texts first, so that a full list may lack texts only if it ends after our request.
        if len(listed) >= _MOST_LISTED and (listed[-1].date_created is None or listed[-1].date_created >= begin):
            raise OutcomeUnknownError("there are too many texts between these numbers")
        similar = [one for one in listed if _is_similar(one, text, begin, end)]
        if len(similar) > 1:
            raise OutcomeUnknownError("there are several texts with this body between these numbers")
        return next((FoundText(one.sid, str(one.status), one.error_code) for one in similar), None)


def _messages_of(account: str) -> Any:
    client = twilio_client.make_client(twilio_client.make_http_client(SECONDS))
    return client.api.v2010.accounts(account).messages


def _new_message_fields(text: OutgoingText) -> dict[str, Any]:
    given: dict[str, Any] = {
        "to": text.to_number,
        "from_": text.from_number,
        "body": text.body,
        "status_callback": urls.status_url(text),
        # The organization decides about smart encoding, and its segments are counted before.
        "smart_encoded": False,
    }
    if text.media_urls:
        given["media_url"] = list(text.media_urls)
    if text.valid_seconds is not None:
        given["validity_period"] = max(_VALIDITY.start, min(text.valid_seconds, _VALIDITY.stop - 1))
    return given


def _read_accepted(made: Any) -> AcceptedText:
    if not callbacks.is_text_sid(made.sid):
        raise OutcomeUnknownError("the response has no id of a text")
    if made.status in _FAILED:
        raise TextRefusedError(f"Twilio's error {made.error_code}", made.error_code)
    segments = str(made.num_segments or "")
    # Twilio says 0 for a text whose segments it has not counted yet.
    return AcceptedText(str(made.sid), int(segments) or None if segments.isdigit() else None)


def _failure(error: Exception) -> Exception:
    code = error.code if isinstance(error, TwilioRestException) else None
    if code in _TOO_MANY:
        return ThrottledError(f"Twilio's error {code}")
    if (
        isinstance(error, TwilioRestException)
        and code in _MESSAGE_CODES
        and error.status < HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        return TextRefusedError(f"Twilio's error {code}", code)
    failure = twilio_client.failure_of(error, writing=True)
    return TextRefusedError(str(failure), code) if isinstance(failure, RefusedError) else failure


def _is_similar(one: Any, text: OutgoingText, begin: datetime, end: datetime) -> bool:
    created = one.date_created
    return (
        str(one.direction).startswith("outbound")
        and (created is None or begin <= created <= end)
        and str(one.body or "").strip() == text.body.strip()
        and (int(one.num_media or 0) > 0) == bool(text.media_urls)
    )
