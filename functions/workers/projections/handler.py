"""Builds projections, the read models for display, from events."""

from __future__ import annotations

from switchboard import consumer
from switchboard.projections import service as projections
from switchboard.projections.jobs import ProjectEvent

handler = consumer.jobs({ProjectEvent: lambda job: projections.project(job.event)})
