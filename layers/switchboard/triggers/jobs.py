"""The jobs of the worker that starts the flows of fired triggers."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class StartFlows(Job, queue="triggers"):
    """Find the flows that a fired event starts, and send a job for each."""

    org_id: str
    trigger_id: str
    firing_id: str


class StartFlow(Job, queue="triggers"):
    """Start the call or the text of one flow for a fired event. `due` is the time for which it waited in the queue."""

    org_id: str
    trigger_id: str
    firing_id: str
    flow_id: str
    due: str | None = None
