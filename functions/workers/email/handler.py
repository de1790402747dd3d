"""Sends queued mail, and marks sends with an unknown outcome as unconfirmed."""

from __future__ import annotations

from switchboard import workers
from switchboard.email import delivery
from switchboard.email.jobs import ConfirmMail, SendMail, WatchMail

handler = workers.job_handler(
    {
        SendMail: lambda job: delivery.send_queued(job.org_id, job.message_id),
        WatchMail: lambda job: delivery.check_queued(job.org_id, job.message_id),
        ConfirmMail: lambda job: delivery.check_claim(job.org_id, job.message_id, job.claim),
    }
)
