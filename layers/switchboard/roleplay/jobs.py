"""Jobs of practice calls and their scoring."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class BeginRoleplay(Job, queue="roleplay"):
    """Bring the persona into a new call."""

    org_id: str
    call_id: str


class CloseRoleplay(Job, queue="roleplay"):
    """End a call if it is still in `state`."""

    org_id: str
    call_id: str
    state: str


class WatchRoleplay(Job, queue="roleplay"):
    """Check at `until` whether a live call has had a turn lately."""

    org_id: str
    call_id: str
    until: str


class CloseRoom(Job, queue="roleplay"):
    """Close the room of a call that has ended."""

    org_id: str
    call_id: str


class ExpireSession(Job, queue="roleplay"):
    """End a session without a call."""

    org_id: str
    session_id: str


class ScoreRoleplay(Job, queue="scoring"):
    """Score an ended call."""

    org_id: str
    call_id: str


class GiveUpScoring(Job, queue="scoring"):
    """End the scoring of a call that was not scored in time."""

    org_id: str
    call_id: str
