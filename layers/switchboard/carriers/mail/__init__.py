"""The port to mail providers, for outgoing mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.kit import settings

__all__ = ["MailCarrier", "OutcomeUnknownError", "OutgoingMail", "RefusedError", "ThrottledError", "mail_carrier"]


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """An outgoing mail: its envelope, its content, and our ids, which the provider's notifications return."""

    org_id: str
    message_id: str
    sender: str
    recipients: list[str]
    #: The complete mail: headers and body.
    content: bytes


class MailCarrier(Protocol):
    """Sends mail through a provider."""

    def send(self, outbound: OutgoingMail) -> str:
        """Sends a mail and returns the provider's id for it.

        Raises RefusedError, ThrottledError or OutcomeUnknownError.
        """


def _ses() -> MailCarrier:
    from switchboard.carriers.mail.ses import SesCarrier  # for cold start: one carrier only

    return SesCarrier()


def _simulator() -> MailCarrier:
    from switchboard.carriers.mail.simulator import SimulatedCarrier  # for cold start: as above

    return SimulatedCarrier()


_CARRIERS: dict[str, Callable[[], MailCarrier]] = {"ses": _ses, "simulator": _simulator}


def mail_carrier() -> MailCarrier:
    """Returns the carrier of the setting MAIL_CARRIER: `ses` (the default) or `simulator`."""
    return _CARRIERS[settings.text("MAIL_CARRIER", "ses")]()
