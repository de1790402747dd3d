"""Jobs of widget sessions."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class BeginSession(Job, queue="widgets"):
    """Let the voice AI join the room of a new session."""

    org_id: str
    session_id: str


class EndSession(Job, queue="widgets"):
    """End a session. `reason` is `limit`, `visitor`, `revoked`, or `unjoined`: nobody entered the room in time."""

    org_id: str
    session_id: str
    reason: str


class SettleSession(Job, queue="widgets"):
    """Count the cost of a session whose call is over."""

    org_id: str
    session_id: str


class EraseLead(Job, queue="widgets"):
    """Delete a lead whose time is over."""

    org_id: str
    token_id: str
    lead_id: str


class EndTokenSessions(Job, queue="widgets"):
    """End the running sessions of a revoked token. `before` is the place where the last run stopped."""

    org_id: str
    token_id: str
    before: str | None = None
