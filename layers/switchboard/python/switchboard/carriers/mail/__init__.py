"""The port through which mail leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from switchboard.aws import settings
from switchboard.carriers.outcomes import OutcomeUnknown, Refused, Throttled

__all__ = ["MailCarrier", "Outbound", "OutcomeUnknown", "Refused", "Throttled", "carrier"]


@dataclass(frozen=True, slots=True)
class Outbound:
    """A mail to hand over: the envelope, the content, and our own id for the provider to send back."""

    org_id: str
    message_id: str
    sender: str
    recipients: list[str]
    #: The whole mail as it travels.
    content: bytes


class MailCarrier(Protocol):
    """Hands mail over to a provider."""

    def send(self, outbound: Outbound) -> str:
        """Hand a mail over and answer the provider's id for it. Raises Refused, Throttled or OutcomeUnknown."""


def _ses() -> MailCarrier:
    from switchboard.carriers.mail.ses import SesCarrier

    return SesCarrier()


def _simulator() -> MailCarrier:
    from switchboard.carriers.mail.simulator import SimulatedCarrier

    return SimulatedCarrier()


_CARRIERS: dict[str, Callable[[], MailCarrier]] = {"ses": _ses, "simulator": _simulator}


def carrier() -> MailCarrier:
    """The carrier that the setting MAIL_CARRIER names: `ses` (the default) or `simulator`."""
    return _CARRIERS[settings.text("MAIL_CARRIER", "ses")]()
