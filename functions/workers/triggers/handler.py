"""Starts the flows that wait for fired events."""

from __future__ import annotations

from switchboard import workers
from switchboard.triggers import starting
from switchboard.triggers.jobs import StartFlow, StartFlows

handler = workers.job_handler({StartFlows: starting.start_flows, StartFlow: starting.start_flow})
