"""A mail carrier that does what a test says."""

from __future__ import annotations

from switchboard.carriers import mail


class MailCarrier:
    """Sends nothing. `outcome` is the provider's id for each mail, or the error of sending."""

    def __init__(self, outcome: str | Exception = "ses-1@email.amazonses.com") -> None:
        self.outcome = outcome
        self.sent: list[mail.OutgoingMail] = []

    def send(self, outbound: mail.OutgoingMail) -> str:
        self.sent.append(outbound)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome
