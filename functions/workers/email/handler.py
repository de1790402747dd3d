"""Sends queued mail, and marks sends with an unknown outcome as unconfirmed."""

from __future__ import annotations

from switchboard import consumer
from switchboard.email import delivery
from switchboard.email.jobs import ConfirmMail, SendMail, WatchMail

handler = consumer.jobs(
    {
        SendMail: lambda job: delivery.deliver(job.org_id, job.message_id),
        WatchMail: lambda job: delivery.watch(job.org_id, job.message_id),
        ConfirmMail: lambda job: delivery.confirm(job.org_id, job.message_id, job.claim),
    }
)
