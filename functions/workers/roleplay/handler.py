"""Runs practice calls: start, reports, the end if no report brings it, and the expiry of sessions."""

from __future__ import annotations

from typing import Any

from switchboard import workers
from switchboard.roleplay import lifecycle, sessions
from switchboard.roleplay.jobs import BeginRoleplay, CloseRoleplay, CloseRoom, ExpireSession, WatchRoleplay
from switchboard.roleplay.models import TransportReport


def apply_report(body: dict[str, Any]) -> None:
    """Applies a report of the transport."""
    lifecycle.apply_report(TransportReport.model_validate(body))


handler = workers.job_handler(
    {
        BeginRoleplay: lambda job: lifecycle.begin_call(job.org_id, job.call_id),
        CloseRoleplay: lambda job: lifecycle.close_call(job.org_id, job.call_id, job.state),
        WatchRoleplay: lambda job: lifecycle.watch_call(job.org_id, job.call_id, job.until),
        CloseRoom: lambda job: lifecycle.close_room(job.org_id, job.call_id),
        ExpireSession: lambda job: sessions.expire_session(job.org_id, job.session_id),
    },
    messages=apply_report,
)
