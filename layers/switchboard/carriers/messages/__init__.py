"""The carrier of text messages: Twilio, the simulator, or none."""

from __future__ import annotations

from typing import Literal

from switchboard.carriers.messages.ports.messenger import Messenger
from switchboard.errors import Unavailable
from switchboard.kit import settings

__all__ = ["MessengerName", "get_messenger", "messenger_name", "require_messenger"]

MessengerName = Literal["twilio", "simulator", "none"]
_NAMES: tuple[MessengerName, ...] = ("twilio", "simulator", "none")


def messenger_name(simulated: bool) -> MessengerName:
    """Returns the carrier of a text. A simulated text never reaches a real carrier, in any configuration.

    The setting TEXTS_CARRIER names the carrier of live texts. The simulator carries them only on the local stack, where
    it is the default: in a deployment a simulated success must never look like a real text.
    """
    if simulated:
        return "simulator"
    local = settings.stage() == "local"
    wanted = settings.text("TEXTS_CARRIER", "simulator" if local else "none")
    found: MessengerName = next((name for name in _NAMES if name == wanted), "none")
    return found if local or found != "simulator" else "none"


def require_messenger(*, simulated: bool) -> None:
    """Raises Unavailable when no carrier is configured that can carry the text."""
    if messenger_name(simulated) == "none":
        raise Unavailable(
            "No carrier of text messages is configured: ask the operator of this deployment.", code="no_carrier"
        )


def get_messenger(simulated: bool) -> Messenger:
    """Returns the carrier of a text. Raises Unavailable if there is none."""
    require_messenger(simulated=simulated)
    if messenger_name(simulated) == "twilio":
        from switchboard.carriers.messages.twilio.messenger import TwilioMessenger  # for cold start: the SDK is large

        return TwilioMessenger()
    from switchboard.carriers.messages.simulator import SimulatedMessenger  # for cold start: one carrier only

    return SimulatedMessenger()
