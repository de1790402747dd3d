"""The job of the simulated provider."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class PostPaymentEvent(Job, queue="billing"):
    """Post a notification of the simulator to our endpoint. `text` is its JSON."""

    org_id: str
    text: str
