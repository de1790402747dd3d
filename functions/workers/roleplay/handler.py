"""Runs practice calls: start, reports, the end if no report brings it, and the expiry of sessions."""

from __future__ import annotations

from typing import Any

from switchboard import consumer
from switchboard.roleplay import lifecycle, sessions
from switchboard.roleplay.jobs import BeginRoleplay, CloseRoleplay, CloseRoom, ExpireSession, WatchRoleplay
from switchboard.roleplay.models import Progress


def report(body: dict[str, Any]) -> None:
    """Apply a report of the transport."""
    lifecycle.apply(Progress.model_validate(body))


handler = consumer.jobs(
    {
        BeginRoleplay: lambda job: lifecycle.begin(job.org_id, job.call_id),
        CloseRoleplay: lambda job: lifecycle.close(job.org_id, job.call_id, job.state),
        WatchRoleplay: lambda job: lifecycle.watch(job.org_id, job.call_id, job.until),
        CloseRoom: lambda job: lifecycle.close_room(job.org_id, job.call_id),
        ExpireSession: lambda job: sessions.expire(job.org_id, job.session_id),
    },
    messages=report,
)
