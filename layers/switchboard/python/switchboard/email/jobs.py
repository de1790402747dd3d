"""Jobs of the workers that send mail."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class SendMail(Job, queue="email"):
    """Send a queued mail."""

    org_id: str
    message_id: str


class WatchMail(Job, queue="email"):
    """See whether a mail still waits to be sent, and have it tried again or given up."""

    org_id: str
    message_id: str


class ConfirmMail(Job, queue="email"):
    """See whether a claim of a mail has an outcome by now."""

    org_id: str
    message_id: str
    claim: int
