"""Dials accepted calls or lets them wait, and ends calls that the provider stopped reporting."""

from __future__ import annotations

from switchboard import consumer
from switchboard.calls import closing, dialing, waking
from switchboard.calls.jobs import CloseCall, ConfirmDial, DialCall, HangUp, WakeWaiting, WatchWaiting

handler = consumer.jobs(
    {
        DialCall: lambda job: dialing.dial(job.org_id, job.call_id),
        WakeWaiting: lambda job: waking.wake(job.org_id, job.call_id),
        WatchWaiting: lambda job: waking.watch(job.org_id, job.call_id, job.looks),
        ConfirmDial: lambda job: dialing.confirm(job.org_id, job.call_id, job.claim),
        HangUp: lambda job: closing.hang_up(job.org_id, job.call_id),
        CloseCall: lambda job: closing.close(job.org_id, job.call_id, job.state),
    }
)
