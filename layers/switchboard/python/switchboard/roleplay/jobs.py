"""Jobs of practice calls and their scoring."""

from __future__ import annotations

from switchboard.kit.jobs import Job


class BeginRoleplay(Job, queue="roleplay"):
    """Let the persona into a call that was just made."""

    org_id: str
    call_id: str


class CloseRoleplay(Job, queue="roleplay"):
    """End a call that is still in a state."""

    org_id: str
    call_id: str
    state: str


class WatchRoleplay(Job, queue="roleplay"):
    """See whether anything was heard of a live call since a moment."""

    org_id: str
    call_id: str
    until: str


class CloseRoom(Job, queue="roleplay"):
    """Close the room of a call that has ended."""

    org_id: str
    call_id: str


class ExpireSession(Job, queue="roleplay"):
    """End a session that no call came of."""

    org_id: str
    session_id: str


class ScoreRoleplay(Job, queue="scoring"):
    """Score a call that has ended."""

    org_id: str
    call_id: str


class GiveUpScoring(Job, queue="scoring"):
    """End the scoring of a call that was not scored in time."""

    org_id: str
    call_id: str
