"""Twilio's callbacks about texts: who signed one, and the reports in it.

The function behind `/twilio/sms` and the simulated provider in a deployment without a domain both use this module. The
signature covers the path, and the path names the number or the text. So a form cannot be sent again for another one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from switchboard import telemetry
from switchboard.carriers.messages.ports.reports import MessengerReport
from switchboard.carriers.messages.twilio import callbacks, urls
from switchboard.carriers.messages.twilio.callbacks import Form
from switchboard.carriers.voice.ports.reports import SignedCallback, UnreadableCallbackError
from switchboard.carriers.voice.twilio import accounts
from switchboard.carriers.voice.twilio.callbacks import read_form
from switchboard.numbers import service as numbers

#: The answer to a callback: no text goes back.
NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_ID = re.compile("[a-z]{2,10}_[0-9A-Za-z]{1,60}")


class TextPlace(NamedTuple):
    """The place that a callback is about: a number that got a text, or a text of ours."""

    number_id: str = ""
    org_id: str = ""
    conversation_id: str = ""
    message_id: str = ""
    campaign: bool = False

    @classmethod
    def of(cls, path: str) -> TextPlace:
        """Returns the place that a path names. Raises UnreadableCallbackError."""
        if not path.startswith(urls.BASE_PATH):
            raise UnreadableCallbackError("the path is not about texts")
        if not path.startswith(urls.MESSAGES_PATH):
            return cls(number_id=_read_id(path.removeprefix(urls.BASE_PATH)))
        parts = path.removeprefix(urls.MESSAGES_PATH).split("/")
        campaign = parts[3:] == [urls.CAMPAIGN_PART]
        if len(parts) != 3 and not campaign:
            raise UnreadableCallbackError("the path has no part that we gave")
        org_id, conversation_id, message_id = map(_read_id, parts[:3])
        return cls("", org_id, conversation_id, message_id, campaign)


def _read_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise UnreadableCallbackError("the path has no valid ids")
    return text


def verify_callback(request: SignedCallback) -> str | None:
    """Returns the account that signed a callback, or `None` for a wrong signature.

    The simulated carrier signs for its own numbers only. So nobody can pretend a text to a real number, whose answer
    would go to a real person.
    """
    _, _, rest = request.url.partition(urls.BASE_PATH)
    try:
        place = TextPlace.of(urls.BASE_PATH + rest)
    except UnreadableCallbackError:
        # We gave such a path to nobody.
        return None
    if not place.number_id:
        signer = accounts.find_signer(request, place.org_id)
        return f"{signer}:{place.org_id}" if signer else None
    number = numbers.find_number(place.number_id)
    org_id = number.org_id if number else None
    signer = accounts.find_signer(request, org_id)
    if signer is None or (signer == "simulator" and (number is None or number.provider != "simulator")):
        return None
    return f"{signer}:{org_id or 'unknown'}"


def receive_callback(place: TextPlace, parameters: list[tuple[str, str]]) -> list[MessengerReport]:
    """Returns the reports of a verified callback. Raises UnreadableCallbackError."""
    form = read_form(parameters)
    if place.number_id:
        return _read_incoming(place.number_id, form)
    return list(
        callbacks.read_text_status(form, place.org_id, place.conversation_id, place.message_id, campaign=place.campaign)
    )


def _read_incoming(number_id: str, form: Form) -> list[MessengerReport]:
    callbacks.read_text_sid(form)
    number = numbers.find_number(number_id)
    if number is None or not number.active:
        # The carrier still sends texts to a number that was released.
        telemetry.log_skip("the number is unknown or released", number_id=number_id)
        return []
    found = callbacks.read_incoming_text(form, number.org_id, number.id, simulated=number.provider == "simulator")
    if found.to_number != number.e164:
        telemetry.log_skip("the text is for another number", number_id=number_id)
        return []
    return [found]
