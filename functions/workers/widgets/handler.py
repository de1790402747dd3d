"""Runs the voice sessions of widgets: the begin of the talk, the end, the settlement of the cost, and the room.

It also deletes the leads of visitors at the end of their time.
"""

from __future__ import annotations

from switchboard import workers
from switchboard.calls import room_calls
from switchboard.calls.jobs import CloseCallRoom
from switchboard.widgets import leads, lifecycle
from switchboard.widgets.jobs import BeginSession, EndSession, EndTokenSessions, EraseLead, SettleSession

handler = workers.job_handler(
    {
        BeginSession: lambda job: lifecycle.begin_session(job.org_id, job.session_id),
        EndSession: lambda job: lifecycle.end_session(job.org_id, job.session_id, job.reason),
        SettleSession: lambda job: lifecycle.settle_session(job.org_id, job.session_id),
        EraseLead: leads.erase_lead,
        CloseCallRoom: lambda job: room_calls.close_room(job.org_id, job.call_id),
        EndTokenSessions: lambda job: lifecycle.end_token_sessions(job.org_id, job.token_id, job.before),
    }
)
