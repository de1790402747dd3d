"""Twilio's line: places calls, asks about them, ends them and changes them while they are in progress.

The number that a call shows decides the account: a number of the platform's pool belongs to the main account, and every
other number to the organization's subaccount. This module loads no SDK, because API functions only ask it questions
that need no request (`rest` has the requests).

Settings: those of `carriers.twilio_client`, PUBLIC_URL for the callbacks, and TWILIO_CALLS_PER_SECOND.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from switchboard.carriers.caller_pool import list_pool_numbers
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError
from switchboard.carriers.twilio_subaccounts import find_subaccount
from switchboard.carriers.voice.ports.line import (
    BeginMessage,
    Command,
    Leg,
    Pace,
    Placement,
    SetRecording,
    Snapshot,
    Transfer,
)
from switchboard.carriers.voice.twilio import urls
from switchboard.kit import clock, settings

if TYPE_CHECKING:
    from switchboard.carriers.voice.twilio.rest import AccountCalls

#: The calls a second that Twilio places for an account whose limit was not raised.
_CALLS_PER_SECOND = "1"


class TwilioLine:
    """The line of this deployment's account at Twilio, and of the subaccounts of organizations."""

    def is_available(self, to_number: str) -> bool:  # noqa: ARG002 a line's signature
        """Returns True: only a request can tell that Twilio is down."""
        return True

    def asks_for_script(self) -> bool:
        """Returns True."""
        return True

    def pace_of(self, org_id: str, from_number: str) -> Pace:
        """Returns the rate of the number's account. Twilio queues calls that come faster, for up to a day."""
        rate = float(settings.text("TWILIO_CALLS_PER_SECOND", _CALLS_PER_SECOND))
        shared = from_number in list_pool_numbers()
        return Pace(rate, counted_by="twilio" if shared else f"twilio#{org_id}")

    def place_call(self, placement: Placement) -> str:
        """Places a call. Twilio asks for its first script when somebody answers."""
        if placement.not_after and placement.not_after <= clock.now_iso():
            raise RefusedError("the time to ring is over")
        calls = _account_calls(placement.org_id, placement.from_number)
        if calls is None:
            raise RefusedError("the organization has no account at Twilio: buy a number first")
        return calls.place_call(placement)

    def fetch_call(self, leg: Leg) -> Snapshot | None:
        """Returns the state of a call, or `None` if Twilio has no such call."""
        calls = _account_calls(leg.org_id, leg.own_number)
        # Without an account nothing was ever placed.
        return calls.fetch_call(leg) if calls else None

    def end_call(self, leg: Leg) -> None:
        """Cancels a ringing call, or hangs it up."""
        if calls := _account_calls(leg.org_id, leg.own_number):
            calls.end_call(leg)

    def control_call(self, leg: Leg, command: Command) -> None:
        """Sends a call in progress to another script, or changes its recording.

        Raises RefusedError for a hold, a resume and keys: Twilio cannot return to a talk that it left.
        """
        calls = _account_calls(leg.org_id, leg.own_number)
        if calls is None:
            raise RefusedError("the organization has no account at Twilio")
        match command:
            case Transfer(to_number):
                calls.transfer_call(leg, to_number)
            case BeginMessage():
                calls.redirect_call(leg, urls.call_url(leg.org_id, leg.call_id, "message"))
            case SetRecording(on):
                calls.set_recording(leg, on=on)
            case _:
                raise RefusedError(f"this line has no such command: {type(command).__name__}")


def find_account(org_id: str, own_number: str) -> str | None:
    """Returns the account that has a number of ours. `None` if the organization has no subaccount."""
    if own_number in list_pool_numbers():
        return settings.text("TWILIO_ACCOUNT_SID")
    return find_subaccount(org_id)


def _account_calls(org_id: str, own_number: str) -> AccountCalls | None:
    if not settings.text("TWILIO_SECRET", ""):
        raise OutcomeUnknownError("this function has no credentials for Twilio")
    account = find_account(org_id, own_number)
    if account is None:
        return None
    from switchboard.carriers.voice.twilio.rest import AccountCalls  # for cold start: the SDK is large

    return AccountCalls(account)
