"""The job of offboarding."""

from __future__ import annotations

from switchboard.kit.jobs import Job

QUEUE = "offboarding"


class ContinueDeletion(Job, queue=QUEUE):
    """Do the next steps of the deletion of an organization."""

    org_id: str
