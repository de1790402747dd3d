"""Dials accepted calls or lets them wait, and ends calls that the provider stopped reporting."""

from __future__ import annotations

from switchboard import workers
from switchboard.calls import dialing, outbound_scripts, timeouts, wakeups
from switchboard.calls.jobs import (
    CloseCall,
    ConfirmDial,
    DialCall,
    HangUp,
    HangUpMachine,
    LeaveMessage,
    WakeWaiting,
    WatchWaiting,
)

handler = workers.job_handler(
    {
        DialCall: lambda job: dialing.dial_call(job.org_id, job.call_id),
        WakeWaiting: lambda job: wakeups.wake_waiting_calls(job.org_id, job.call_id),
        WatchWaiting: lambda job: wakeups.check_waiting_call(job.org_id, job.call_id, job.looks),
        ConfirmDial: lambda job: dialing.confirm_dial(job.org_id, job.call_id, job.claim),
        HangUpMachine: lambda job: outbound_scripts.hang_up_machine(job.org_id, job.call_id),
        HangUp: lambda job: timeouts.hang_up_call(job.org_id, job.call_id),
        LeaveMessage: lambda job: outbound_scripts.leave_message(job.org_id, job.call_id),
        CloseCall: lambda job: timeouts.close_call(job.org_id, job.call_id, job.state),
    }
)
