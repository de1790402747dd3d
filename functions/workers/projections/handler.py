"""Builds projections, the read models for display, from events."""

from __future__ import annotations

from switchboard import workers
from switchboard.projections import service as projections
from switchboard.projections.jobs import ProjectEvent

handler = workers.job_handler({ProjectEvent: lambda job: projections.project_event(job.event)})
