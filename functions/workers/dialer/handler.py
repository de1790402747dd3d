"""Calls going out: an accepted call is dialled, and one that the provider forgot is ended."""

from __future__ import annotations

from switchboard import consumer
from switchboard.calls import closing, dialing
from switchboard.calls.jobs import CloseCall, ConfirmDial, DialCall, HangUp

handler = consumer.jobs(
    {
        DialCall: lambda job: dialing.dial(job.org_id, job.call_id),
        ConfirmDial: lambda job: dialing.confirm(job.org_id, job.call_id, job.claim),
        HangUp: lambda job: closing.hang_up(job.org_id, job.call_id),
        CloseCall: lambda job: closing.close(job.org_id, job.call_id, job.state),
    }
)
