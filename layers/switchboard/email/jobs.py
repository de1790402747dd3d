"""Jobs of the workers that send mail."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class SendMail(Job, queue="email"):
    """Send a queued mail."""

    org_id: str
    message_id: str


class WatchMail(Job, queue="email"):
    """Check whether a mail is still queued. If so, retry it, or fail it when its time is over."""

    org_id: str
    message_id: str


class ConfirmMail(Job, queue="email"):
    """Check whether a mail's claim has an outcome."""

    org_id: str
    message_id: str
    claim: int
